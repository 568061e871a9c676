import { expect, it } from "vitest";
import { ago, duration, exact, span } from "./time";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

it("writes a duration with two units at most", () => {
  expect(
    [-5, 0, 849.6, 999.4, 1000, 4250, 9999, 10_000, 59_999, 185_000, HOUR, 2 * HOUR + 7 * MINUTE, 76 * HOUR].map(duration),
  ).toEqual([
    "0 ms", "0 ms", "850 ms", "999 ms", "1.0 s", "4.2 s", "9.9 s", "10 s", "59 s", "3 min 05 s", "1 h 00 min",
    "2 h 07 min", "3 d 4 h",
  ]);
});

it("says a moment the more exactly the nearer it is", () => {
  const now = new Date(2026, 5, 15, 18, 30).getTime();
  const said = (passed: number) => ago(new Date(now - passed), now);
  expect([0, 20 * SECOND, 3 * MINUTE, 5 * HOUR].map(said)).toEqual(["just now", "20 s ago", "3 min ago", "5 h ago"]);
  expect(said(-HOUR)).toBe("just now");
  expect(said(8 * HOUR)).toMatch(/^today .*10.?30/);
  expect(said(30 * 24 * HOUR)).not.toContain("2026");
  expect(said(400 * 24 * HOUR)).toContain("2025");
});

it("gives the exact moment with its zone and milliseconds", () => {
  expect(exact(new Date("2026-03-01T12:00:00.042Z"))).toMatch(/2026.*\(\.042\)$/);
});

it("measures to now while there is no end, and nothing before the begin", () => {
  expect(span("2026-01-01T00:00:00Z", "2026-01-01T00:00:02Z", 0)).toBe(2000);
  expect(span("2026-01-01T00:00:00Z", null, Date.parse("2026-01-01T00:00:05Z"))).toBe(5000);
  expect(span(null, null, 0)).toBeUndefined();
});
