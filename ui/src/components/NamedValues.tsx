import { Text } from "@mantine/core";
import { plain } from "../lib/ansi";
import classes from "./NamedValues.module.css";

interface NamedValuesProps {
  values: Record<string, unknown>;
  /** Is said if there are none. */
  none?: string | undefined;
}

/** Values by name; text without the colours of a terminal, everything else as JSON. */
export function NamedValues({ values, none }: NamedValuesProps) {
  const names = Object.keys(values);
  if (names.length === 0) {
    return none === undefined ? null : (
      <Text size="sm" c="dimmed">
        {none}
      </Text>
    );
  }
  return (
    <dl className={classes.values}>
      {names.map((name) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <pre tabIndex={0} aria-label={name}>
              {written(values[name])}
            </pre>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function written(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value, null, 2);
  return value.split("\n").map(plain).join("\n");
}
