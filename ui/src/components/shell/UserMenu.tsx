import { ChevronDownIcon, MoonIcon, SignOutIcon, SunIcon } from "@primer/octicons-react";
import { Menu, Text, UnstyledButton, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { session, useSession } from "../../api/session";
import classes from "./UserMenu.module.css";

/** Who is signed in, the colour scheme, and the way out. */
export function UserMenu() {
  const state = useSession();
  const scheme = useComputedColorScheme("light");
  const { setColorScheme } = useMantineColorScheme();
  if (state.status !== "in") return null;
  const other = scheme === "dark" ? "light" : "dark";
  return (
    <Menu position="top-start" width={200} withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <UnstyledButton className={classes.user}>
          <span className={classes.avatar} data-letter={state.username.slice(0, 1).toUpperCase()} aria-hidden />
          <span className={classes.name}>
            <Text size="sm" fw={550} truncate>
              {state.username}
            </Text>
            <Text size="xs" c="dimmed">
              {state.role}
            </Text>
          </span>
          <span className="visually-hidden">menu</span>
          <ChevronDownIcon size={16} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={other === "dark" ? <MoonIcon /> : <SunIcon />}
          onClick={() => setColorScheme(other)}
          closeMenuOnClick={false}
        >
          {other === "dark" ? "Dark theme" : "Light theme"}
        </Menu.Item>
        <Menu.Item leftSection={<SignOutIcon />} onClick={() => void session.signOut()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
