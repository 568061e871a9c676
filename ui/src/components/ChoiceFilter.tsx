import { Select } from "@mantine/core";
import { oneOf } from "../lib/listSearch";

interface ChoiceFilterProps<Word extends string> {
  label: string;
  words: readonly Word[];
  value: Word | undefined;
  onChoose: (word: Word | undefined) => void;
}

/** Filters a list by one of a few words, or by none. */
export function ChoiceFilter<Word extends string>({ label, words, value, onChoose }: ChoiceFilterProps<Word>) {
  return (
    <Select
      aria-label={label}
      placeholder={`Any ${label.toLowerCase()}`}
      w={150}
      data={[...words]}
      value={value ?? null}
      onChange={(word) => onChoose(oneOf(word, words))}
      clearable
    />
  );
}
