import { Group } from "@mantine/core";
import { Word } from "../../components/Word";

/** What an agent can do. */
export function Capabilities({ words }: { words: readonly string[] }) {
  return (
    <Group gap={4}>
      {words.map((word) => (
        <Word key={word}>{word}</Word>
      ))}
    </Group>
  );
}
