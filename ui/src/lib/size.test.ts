import { expect, it } from "vitest";
import { bytes } from "./size";

it("writes bytes with the unit that fits", () => {
  expect([0, 999, 1000, 1234, 250_000, 5_600_000, 7_000_000_000].map(bytes)).toEqual([
    "0 B", "999 B", "1.0 kB", "1.2 kB", "250 kB", "5.6 MB", "7.0 GB",
  ]);
});
