const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const exactFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "long" });
const timeFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayFormat = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const yearFormat = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

/** Writes a moment in full, in the local zone, with the zone and the milliseconds. */
export function exact(moment: Date): string {
  const milliseconds = String(moment.getMilliseconds()).padStart(3, "0");
  return `${exactFormat.format(moment)} (.${milliseconds})`;
}

/** Writes a moment as people say it: seen from `now`, the more exact the nearer it is. */
export function ago(moment: Date, now: number): string {
  const passed = now - moment.getTime();
  if (passed < 5 * SECOND) return "just now";
  if (passed < MINUTE) return `${Math.floor(passed / SECOND)} s ago`;
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min ago`;
  if (passed < 6 * HOUR) return `${Math.floor(passed / HOUR)} h ago`;
  const today = new Date(now);
  if (moment.toDateString() === today.toDateString()) return `today ${timeFormat.format(moment)}`;
  const date = moment.getFullYear() === today.getFullYear() ? dayFormat : yearFormat;
  return `${date.format(moment)}, ${timeFormat.format(moment)}`;
}

/** Writes a duration with two units at most: `850 ms`, `4.2 s`, `3 min 05 s`, `2 h 07 min`, `3 d 4 h`. */
export function duration(milliseconds: number): string {
  const value = Math.max(0, milliseconds);
  if (value < SECOND) return `${Math.round(value)} ms`;
  if (value < 10 * SECOND) return `${(Math.floor(value / 100) / 10).toFixed(1)} s`;
  if (value < MINUTE) return `${Math.floor(value / SECOND)} s`;
  if (value < HOUR) return `${Math.floor(value / MINUTE)} min ${two((value % MINUTE) / SECOND)} s`;
  if (value < DAY) return `${Math.floor(value / HOUR)} h ${two((value % HOUR) / MINUTE)} min`;
  return `${Math.floor(value / DAY)} d ${Math.floor((value % DAY) / HOUR)} h`;
}

function two(value: number): string {
  return String(Math.floor(value)).padStart(2, "0");
}

/** Milliseconds from one moment of the API to another, or to `now`; `undefined` before the first. */
export function span(from: string | null | undefined, to: string | null | undefined, now: number): number | undefined {
  if (!from) return undefined;
  return (to ? Date.parse(to) : now) - Date.parse(from);
}
