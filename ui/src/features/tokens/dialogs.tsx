import { Alert, Button, Code, CopyButton, Group, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { CheckIcon, CopyIcon } from "@primer/octicons-react";
import { useQueryClient } from "@tanstack/react-query";
import { type Role, useSession } from "../../api/session";
import { type ApiToken, createToken, type NewApiToken, revokeToken, tokenKeys } from "../../api/tokens";
import { FormDialog } from "../../components/FormDialog";
import { numberIn, textIn } from "../../lib/form";

const ROLES: readonly Role[] = ["viewer", "editor", "admin"];
const DAY = 24 * 3600;
const LIVES = [
  { value: String(30 * DAY), label: "30 days" },
  { value: String(90 * DAY), label: "90 days" },
  { value: String(365 * DAY), label: "a year" },
  { value: "", label: "until it is revoked" },
];

interface TokenFormProps {
  onMade: (token: NewApiToken) => void;
  onClose: () => void;
}

export function TokenForm({ onMade, onClose }: TokenFormProps) {
  const queryClient = useQueryClient();
  const session = useSession();
  const mine = session.status === "in" ? session.role : "viewer";
  const roles = ROLES.slice(0, ROLES.indexOf(mine) + 1);
  const perform = async (form: FormData) => {
    const made = await createToken({
      name: textIn(form, "name") ?? "",
      role: textIn(form, "role") as Role,
      expires_in: numberIn(form, "expires_in"),
    });
    await queryClient.invalidateQueries({ queryKey: tokenKeys.all });
    return made;
  };
  return (
    <FormDialog title="Create a token" action="Create" fields={["name", "role", "expires_in"]} onClose={onClose} perform={perform} onDone={onMade}>
      {(faultOf) => (
        <>
          <TextInput label="What it is for" name="name" placeholder="ci" required data-autofocus maxLength={255} error={faultOf("name")} />
          <Select label="What it may do" name="role" data={roles} defaultValue={mine} allowDeselect={false} error={faultOf("role")} />
          <Select
            label="How long it holds"
            name="expires_in"
            data={LIVES}
            defaultValue={LIVES[1]?.value ?? null}
            allowDeselect={false}
            error={faultOf("expires_in")}
          />
        </>
      )}
    </FormDialog>
  );
}

/** Shows a token, the only time that it can be seen. */
export function NewToken({ token, onClose }: { token: NewApiToken; onClose: () => void }) {
  return (
    <Modal
      opened
      onClose={onClose}
      title={`Token ${token.name}`}
      size="lg"
      closeOnClickOutside={false}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Stack gap="md">
        <Alert variant="light" color="yellow" p="sm">
          <Text size="sm">Keep it now: it is not shown again.</Text>
        </Alert>
        <Code block data-testid="token">
          {token.token}
        </Code>
        <Group justify="flex-end" gap="xs">
          <CopyButton value={token.token}>
            {({ copied, copy }) => (
              <Button variant="default" leftSection={copied ? <CheckIcon /> : <CopyIcon />} onClick={copy}>
                {copied ? "Copied" : "Copy"}
              </Button>
            )}
          </CopyButton>
          <Button onClick={onClose}>Done</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

export function RevokeToken({ token, onClose }: { token: ApiToken; onClose: () => void }) {
  const queryClient = useQueryClient();
  const perform = async () => {
    await revokeToken(token.id);
    await queryClient.invalidateQueries({ queryKey: tokenKeys.all });
  };
  return (
    <FormDialog title={`Revoke ${token.name}?`} action="Revoke" danger onClose={onClose} perform={perform}>
      {() => <Text size="sm">Programs that use it are refused from then on.</Text>}
    </FormDialog>
  );
}
