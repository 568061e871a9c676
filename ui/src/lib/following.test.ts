import { expect, it } from "vitest";
import { follows } from "./following";

const END = { scrollTop: 1_600, scrollHeight: 2_000, clientHeight: 400 };

it("stays at the end while lines come", () => {
  expect(follows(true, END, { ...END, scrollHeight: 4_000 })).toBe(true);
});

it("stops when somebody scrolls up, though lines come meanwhile", () => {
  expect(follows(true, END, { ...END, scrollTop: 1_500 })).toBe(false);
  expect(follows(true, END, { ...END, scrollTop: 1_500, scrollHeight: 4_000 })).toBe(false);
});

it("goes on when the browser moved it up, as there is more room than before", () => {
  expect(follows(true, END, { scrollTop: 1_585, scrollHeight: 4_000, clientHeight: 415 })).toBe(true);
});

it("begins again at the end alone", () => {
  expect(follows(false, { ...END, scrollTop: 0 }, { ...END, scrollTop: 1_000 })).toBe(false);
  expect(follows(false, { ...END, scrollTop: 0 }, END)).toBe(true);
});
