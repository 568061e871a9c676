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
  readonly #search: string;

  constructor(filter: LogFilter) {
    this.#filter = filter;
    this.#search = filter.search.toLowerCase();
  }

  extend(lines: readonly SelectableLine[]): void {
    const { stream, attempt } = this.#filter;
    for (; this.#seen < lines.length; this.#seen += 1) {
      const line = lines[this.#seen];
      if (line === undefined) return;
      if (stream !== undefined && line.stream !== stream) continue;
      if (attempt !== undefined && line.attempt !== attempt) continue;
      if (this.#search !== "" && plain(line.text).toLowerCase().includes(this.#search)) this.matches.push(this.rows.length);
      this.rows.push(this.#seen);
    }
  }
}

/** The match that follows `row` in a direction, around the end; `undefined` if there is none. */
export function nextMatch(matches: readonly number[], row: number, direction: 1 | -1): number | undefined {
  const found = direction === 1 ? matches.find((match) => match > row) : matches.findLast((match) => match < row);
  return found ?? matches.at(direction === 1 ? 0 : -1);
}
