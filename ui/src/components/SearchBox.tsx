import { CloseButton, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { SearchIcon } from "@primer/octicons-react";
import { useState } from "react";

interface SearchBoxProps {
  label: string;
  value: string | undefined;
  onSearch: (text: string | undefined) => void;
}

const PAUSE_MS = 250;

/** Filters a list by a text; told once the typing pauses. */
export function SearchBox({ label, value = "", onSearch }: SearchBoxProps) {
  const [text, setText] = useState(value);
  const [told, setTold] = useState(value);
  if (value !== told) {
    // The address has changed by other means: back, or a link.
    setTold(value);
    setText(value);
  }
  const tell = (next: string) => {
    setTold(next);
    onSearch(next === "" ? undefined : next);
  };
  const tellSoon = useDebouncedCallback(tell, PAUSE_MS);
  const clear = () => {
    tellSoon.cancel(); // what was typed just before
    setText("");
    tell("");
  };
  return (
    <TextInput
      type="search"
      aria-label={label}
      placeholder={label}
      leftSection={<SearchIcon />}
      rightSection={text && <CloseButton size="sm" aria-label="Clear the filter" onClick={clear} />}
      value={text}
      maxLength={255}
      onChange={(event) => {
        setText(event.currentTarget.value);
        tellSoon(event.currentTarget.value);
      }}
    />
  );
}
