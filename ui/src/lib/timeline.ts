/** A stretch of time on the axis, in milliseconds since 1970. */
export interface Range {
  start: number;
  end: number;
}

export interface Timed {
  started_at: string | null;
  completed_at: string | null;
}

const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
  900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000, 43_200_000, 86_400_000,
];

/** From the first start to the last end, to `now` for what runs; `undefined` if nothing has begun. */
export function rangeOf(items: readonly Timed[], now: number): Range | undefined {
  let start = Infinity;
  let end = -Infinity;
  for (const { started_at, completed_at } of items) {
    if (started_at === null) continue;
    start = Math.min(start, Date.parse(started_at));
    end = Math.max(end, completed_at === null ? now : Date.parse(completed_at));
  }
  if (start === Infinity) return undefined;
  return { start, end: Math.max(end, start + 1) };
}

/** Where a bar lies, as parts of the axis from 0 to 1. */
export function barOf(item: Timed, range: Range, now: number): { left: number; width: number } | undefined {
  if (item.started_at === null) return undefined;
  const length = range.end - range.start;
  const start = Date.parse(item.started_at);
  const end = item.completed_at === null ? now : Date.parse(item.completed_at);
  const left = clamp((start - range.start) / length);
  return { left, width: clamp((Math.max(end, start) - range.start) / length) - left };
}

/** Round distances from the start, `count` at most besides the first, which is 0. */
export function ticks(range: Range, count: number): number[] {
  const length = range.end - range.start;
  const day = STEPS.at(-1) ?? 1;
  const step = STEPS.find((each) => length / each <= count) ?? Math.ceil(length / count / day) * day;
  return Array.from({ length: Math.floor(length / step) + 1 }, (_, index) => index * step);
}

/** Sorts by start, what has not begun last; what began at once stays in its order. */
export function byStart<T extends Timed>(items: readonly T[]): T[] {
  const key = ({ started_at }: Timed) => (started_at === null ? Infinity : Date.parse(started_at));
  return items
    .map((item) => ({ item, at: key(item) }))
    .sort((a, b) => (a.at === b.at ? 0 : a.at - b.at))
    .map(({ item }) => item);
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
