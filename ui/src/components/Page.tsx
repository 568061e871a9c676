import { Group, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";
import classes from "./Page.module.css";

interface PageProps {
  title: string;
  /** Stands above the title: where one is, as links. */
  above?: ReactNode;
  /** Stands beside the title. */
  beside?: ReactNode;
  /** Says below the title what it is about. */
  description?: ReactNode;
  /** Buttons at the right. */
  actions?: ReactNode;
  /** Takes the whole height of the window, and scrolls inside. */
  filled?: boolean;
  children: ReactNode;
}

/** A page with its heading; names the window too. */
export function Page({ title, above, beside, description, actions, filled = false, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · aiop`;
  }, [title]);
  return (
    <div className={classes.page} data-filled={filled || undefined}>
      <header className={classes.header}>
        {above && <div className={classes.above}>{above}</div>}
        <Group justify="space-between" align="start" gap="sm" wrap="wrap">
          <div className={classes.about}>
            <Group gap="sm" mih={36}>
              <Title order={1} className={classes.title}>
                {title}
              </Title>
              {beside}
            </Group>
            {description && <p className={classes.description}>{description}</p>}
          </div>
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
