import { Group, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";
import classes from "./Page.module.css";

interface PageProps {
  title: string;
  /** Stands above the title: where one is, as links. */
  above?: ReactNode;
  /** Stands beside the title. */
  beside?: ReactNode;
  /** Buttons at the right. */
  actions?: ReactNode;
  /** Takes the whole height of the window, and scrolls inside. */
  filled?: boolean;
  children: ReactNode;
}

/** A page with its heading; names the window too. */
export function Page({ title, above, beside, actions, filled = false, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · aiop`;
  }, [title]);
  return (
    <div className={classes.page} data-filled={filled || undefined}>
      <header className={classes.header}>
        {above && <div className={classes.above}>{above}</div>}
        <Group justify="space-between" gap="sm" wrap="wrap">
          <Group gap="sm" miw={0}>
            <Title order={1} className={classes.title}>
              {title}
            </Title>
            {beside}
          </Group>
          {actions && (
            <Group gap="xs" className={classes.actions ?? ""}>
              {actions}
            </Group>
          )}
        </Group>
      </header>
      {children}
    </div>
  );
}
