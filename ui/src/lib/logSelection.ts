import { plain } from "./ansi";

export interface SelectableLine {
  stream: string;
  attempt: number;
  text: string;
}

export interface LogFilter {
  stream?: string | undefined;
  attempt?: number | undefined;
  /** Is looked for in the text as it is seen, in any case. */
  search: string;
}

/** Which lines of a log are shown, and which of them match. It grows with the log: each line is looked at once. */
export class LogSelection {
  /** Numbers of the lines that are shown; the place in here is the row. */
  readonly rows: number[] = [];
  /** Rows that match the search. */
  readonly matches: number[] = [];
  #seen = 0;
  readonly #filter: LogFilter;
  /** Looks without writing a line in small letters first: there are hundreds of thousands. */
  readonly #search: RegExp | undefined;

  constructor(filter: LogFilter) {
    this.#filter = filter;
    this.#search = filter.search === "" ? undefined : new RegExp(escaped(filter.search), "iu");
  }

  extend(lines: readonly SelectableLine[]): void {
    const { stream, attempt } = this.#filter;
    for (; this.#seen < lines.length; this.#seen += 1) {
      const line = lines[this.#seen];
      if (line === undefined) return;
      if (stream !== undefined && line.stream !== stream) continue;
      if (attempt !== undefined && line.attempt !== attempt) continue;
      if (this.#search?.test(plain(line.text))) this.matches.push(this.rows.length);
      this.rows.push(this.#seen);
    }
  }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** The match that follows `row` in a direction, around the end; `undefined` if there is none. */
export function nextMatch(matches: readonly number[], row: number, direction: 1 | -1): number | undefined {
  const place = direction === 1 ? placeOf(matches, row + 1) : placeOf(matches, row) - 1;
  return matches[place] ?? matches.at(direction === 1 ? 0 : -1);
}

/** The place of the first match at `row` or below it; that behind the last if there is none. */
export function placeOf(matches: readonly number[], row: number): number {
  let [first, end] = [0, matches.length];
  while (first < end) {
    const middle = (first + end) >> 1;
    if ((matches[middle] ?? 0) < row) first = middle + 1;
    else end = middle;
  }
  return first;
}
