import { expect, it } from "vitest";
import { scaleOf } from "./scale";

it("chooses round marks from 0 to above the largest value", () => {
  expect(scaleOf(30)).toEqual({ top: 30, marks: [0, 10, 20, 30] });
  expect(scaleOf(7)).toEqual({ top: 7.5, marks: [0, 2.5, 5, 7.5] });
  for (const largest of [0.02, 1, 3.3, 17, 99, 100, 101, 123_456]) {
    const { top, marks } = scaleOf(largest);
    expect(top).toBeGreaterThanOrEqual(largest);
    expect(top).toBeLessThan(largest * 3);
    expect(marks[0]).toBe(0);
    expect(marks.at(-1)).toBe(top);
  }
});

it("has an axis where there is nothing", () => {
  expect(scaleOf(0).top).toBeGreaterThan(0);
});
