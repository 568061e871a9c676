import { Text } from "@mantine/core";
import type { ReactNode } from "react";

/** What a row is called, and below that what is said of it. */
export function NameCell({ description, children }: { description: string | null | undefined; children: ReactNode }) {
  return (
    <>
      {children}
      {description && (
        <Text size="xs" c="dimmed" lineClamp={1}>
          {description}
        </Text>
      )}
    </>
  );
}
