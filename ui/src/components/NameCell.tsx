import { Text } from "@mantine/core";
import type { ReactNode } from "react";

interface NameCellProps {
  description: string | null | undefined;
  /** What is wrong with it. */
  trouble?: string | undefined;
  children: ReactNode;
}

/** What a row is called, and below that what is said of it. */
export function NameCell({ description, trouble, children }: NameCellProps) {
  return (
    <>
      {children}
      {description && (
        <Text size="xs" c="dimmed" lineClamp={1}>
          {description}
        </Text>
      )}
      {trouble && (
        <Text size="xs" c="var(--status-failed)" lineClamp={2}>
          {trouble}
        </Text>
      )}
    </>
  );
}
