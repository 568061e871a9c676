import { Button, Collapse, Group, NumberInput, PasswordInput, Stack, TagsInput, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { ChevronDownIcon, ChevronRightIcon } from "@primer/octicons-react";

/** What an execution can be told besides its inputs, out of the way until it is wanted. */
export function RunOptions() {
  const [opened, { toggle }] = useDisclosure();
  return (
    <div>
      <Button
        variant="subtle"
        size="compact-sm"
        color="gray"
        leftSection={opened ? <ChevronDownIcon /> : <ChevronRightIcon />}
        aria-expanded={opened}
        onClick={toggle}
      >
        More options
      </Button>
      <Collapse expanded={opened}>
        <Stack gap="sm" pt="sm">
          <TextInput label="Registry" description="Of images that name none" name="container_registry" placeholder="docker.io" />
          <Group grow align="start">
            <TextInput label="Who to be there" name="registry_username" autoComplete="off" />
            <PasswordInput
              label="Password there"
              name="registry_password"
              autoComplete="off"
              visibilityToggleButtonProps={{ "aria-label": "Show the password" }}
            />
          </Group>
          <NumberInput label="Time limit of steps that set none" name="default_timeout" suffix=" s" min={0} />
          <TagsInput label="What its agent must be able to do" description="Enter after each word" name="requires" />
        </Stack>
      </Collapse>
    </div>
  );
}
