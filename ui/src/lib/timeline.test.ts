import { expect, it } from "vitest";
import { barOf, byStart, rangeOf, ticks, type Timed } from "./timeline";

const ZERO = Date.parse("2026-01-01T00:00:00Z");

function timed(start: number | null, end: number | null = null): Timed {
  const text = (second: number | null) => (second === null ? null : new Date(ZERO + second * 1000).toISOString());
  return { started_at: text(start), completed_at: text(end) };
}

it("reaches from the first start to the last end, or to now for what runs", () => {
  expect(rangeOf([timed(5, 9), timed(2, 4), timed(null)], 0)).toEqual({ start: ZERO + 2000, end: ZERO + 9000 });
  expect(rangeOf([timed(2, 4), timed(3)], ZERO + 60_000)?.end).toBe(ZERO + 60_000);
  expect(rangeOf([timed(null), timed(null, 4)], 0)).toBeUndefined();
  expect(rangeOf([timed(1, 1)], 0)).toEqual({ start: ZERO + 1000, end: ZERO + 1001 });
});

it("puts bars on the axis", () => {
  const range = { start: ZERO, end: ZERO + 10_000 };
  expect(barOf(timed(0, 10), range, 0)).toEqual({ left: 0, width: 1 });
  expect(barOf(timed(2.5, 7.5), range, 0)).toEqual({ left: 0.25, width: 0.5 });
  expect(barOf(timed(5), range, ZERO + 10_000)).toEqual({ left: 0.5, width: 0.5 });
  expect(barOf(timed(4, 3), range, 0)).toEqual({ left: 0.4, width: 0 });
  expect(barOf(timed(null), range, 0)).toBeUndefined();
});

it("marks round distances, and not too many", () => {
  expect(ticks({ start: 0, end: 10_000 }, 5)).toEqual([0, 2000, 4000, 6000, 8000, 10_000]);
  for (const end of [1, 7, 950, 61_000, 7_300_000, 9e8, 9e10]) {
    const marks = ticks({ start: 0, end }, 8);
    expect(marks.length).toBeLessThanOrEqual(9);
    expect(marks.at(-1)).toBeLessThanOrEqual(end);
  }
});

it("sorts by start and keeps the order of what began at once", () => {
  const items = [timed(null), timed(3), timed(1, 2), timed(3, 4)];
  expect(byStart(items)).toEqual([items[2], items[1], items[3], items[0]]);
});
