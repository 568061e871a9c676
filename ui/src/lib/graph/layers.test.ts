import { expect, it } from "vitest";
import { directionFor, layers } from "./layers";

const SIZE = { width: 100, height: 40, along: 50, across: 10 };
const NODES = [
  { id: "a", needs: [] },
  { id: "b", needs: [] },
  { id: "d", needs: ["b"] },
  { id: "c", needs: ["a"] },
  { id: "e", needs: ["c", "d"] },
];

it("puts each node behind those that it needs, and none over another", () => {
  const places = layers(NODES, SIZE, "right");
  const at = (id: string) => places.get(id) ?? { x: NaN, y: NaN };
  for (const { id, needs } of NODES) for (const need of needs) expect(at(id).x).toBeGreaterThanOrEqual(at(need).x + 150);
  expect(new Set([...places.values()].map(({ x, y }) => `${x} ${y}`)).size).toBe(5);
  expect(at("c").y).toBeLessThan(at("d").y); // as those before them lie, so nothing crosses
  expect(at("e").y).toBe(0);
});

it("grows down in the same way", () => {
  const places = layers(NODES, SIZE, "down");
  expect(places.get("e")).toEqual({ x: 0, y: 180 });
  expect(places.get("a")).toEqual({ x: -55, y: 0 });
});

it("grows the way in which more can be read", () => {
  const chain = Array.from({ length: 8 }, (_, n) => ({ id: `${n}`, needs: n === 0 ? [] : [`${n - 1}`] }));
  const fan = [{ id: "a", needs: [] }, ...Array.from({ length: 8 }, (_, n) => ({ id: `${n}`, needs: ["a"] }))];
  expect(directionFor(chain, SIZE, { width: 2000, height: 400 })).toBe("right");
  expect(directionFor(chain, SIZE, { width: 400, height: 800 })).toBe("down");
  expect(directionFor(fan, SIZE, { width: 400, height: 800 })).toBe("right");
  expect(directionFor(fan, SIZE, { width: 1200, height: 200 })).toBe("down");
});
