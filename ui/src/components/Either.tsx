import { Group, SegmentedControl, Text } from "@mantine/core";
import type { ReactNode } from "react";

interface EitherProps<Choice extends string> {
  label: string;
  choices: readonly [Choice, Choice];
  chosen: Choice;
  onChoose: (choice: Choice) => void;
  children: readonly [ReactNode, ReactNode];
}

/** One of two fields, with the choice between them; the other is not there, and says nothing. */
export function Either<Choice extends string>({ label, choices, chosen, onChoose, children }: EitherProps<Choice>) {
  return (
    <div>
      <Group gap="sm" mb={6}>
        <Text size="sm" fw={500}>
          {label}
        </Text>
        <SegmentedControl size="xs" aria-label={label} data={[...choices]} value={chosen} onChange={onChoose} />
      </Group>
      {children[choices.indexOf(chosen)]}
    </div>
  );
}
