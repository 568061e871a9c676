import { Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./Empty.module.css";

interface EmptyProps {
  icon?: ReactNode;
  title: string;
  heading?: "h1" | "h2" | "h3";
  children?: ReactNode;
}

/** Says why there is nothing to see, and what can be done about it. */
export function Empty({ icon, title, heading = "h2", children }: EmptyProps) {
  return (
    <Stack align="center" gap={6} className={classes.empty}>
      {icon && <span className={classes.icon}>{icon}</span>}
      <Title order={heading === "h1" ? 1 : heading === "h2" ? 2 : 3} size="h4">
        {title}
      </Title>
      <Text component="div" c="dimmed" size="sm" ta="center" maw={460}>
        {children}
      </Text>
    </Stack>
  );
}
