import { expect, it } from "vitest";
import { LogSelection, nextMatch, placeOf, type SelectableLine } from "./logSelection";

function line(text: string, stream = "stdout", attempt = 1): SelectableLine {
  return { text, stream, attempt };
}

const LINES = [line("first"), line("Warning: \u001b[31mred\u001b[0m", "stderr"), line("again", "stdout", 2), line("WARN", "stderr", 2)];

function select(filter: ConstructorParameters<typeof LogSelection>[0]): LogSelection {
  const selection = new LogSelection(filter);
  selection.extend(LINES.slice(0, 2));
  selection.extend(LINES);
  selection.extend(LINES);
  return selection;
}

it("shows all lines, or those of a stream and an attempt", () => {
  expect(select({ search: "" }).rows).toEqual([0, 1, 2, 3]);
  expect(select({ search: "", stream: "stderr" }).rows).toEqual([1, 3]);
  expect(select({ search: "", stream: "stderr", attempt: 2 }).rows).toEqual([3]);
});

it("finds in the text as it is seen, and counts rows and not lines", () => {
  expect(select({ search: "warn" }).matches).toEqual([1, 3]);
  expect(select({ search: "warn", stream: "stderr" }).matches).toEqual([0, 1]);
  expect(select({ search: ": RED" }).matches).toEqual([1]);
  expect(select({ search: "" }).matches).toEqual([]);
  expect(select({ search: "r.d" }).matches).toEqual([]); // what is searched is no pattern
});

it("goes around from match to match", () => {
  expect([nextMatch([2, 5], -1, 1), nextMatch([2, 5], 2, 1), nextMatch([2, 5], 5, 1)]).toEqual([2, 5, 2]);
  expect([nextMatch([2, 5], 9, -1), nextMatch([2, 5], 5, -1), nextMatch([2, 5], 2, -1)]).toEqual([5, 2, 5]);
  expect(nextMatch([], 0, 1)).toBeUndefined();
});

it("finds where among the matches a row lies", () => {
  expect([0, 2, 3, 5, 6].map((row) => placeOf([2, 5], row))).toEqual([0, 0, 1, 1, 2]);
  expect(placeOf([], 4)).toBe(0);
});
