import { expect, it } from "vitest";
import { curvesOf, linksOf } from "./links";

it("draws each edge, but none of a bundle that nobody could tell apart", () => {
  const fan = (count: number) => [
    { id: "a", needs: [] },
    ...Array.from({ length: count }, (_, n) => ({ id: `w${n}`, needs: ["a"] })),
    { id: "z", needs: Array.from({ length: count }, (_, n) => `w${n}`) },
  ];
  expect(linksOf(fan(100))).toHaveLength(200);
  expect(linksOf(fan(2000))).toEqual([]);
  expect(linksOf([...fan(2000), { id: "end", needs: ["z"] }])).toEqual([{ from: "z", to: "end" }]);
});

it("leads from the end of one node to the beginning of the next, the way the graph grows", () => {
  const size = { width: 100, height: 40, along: 50, across: 10 };
  const places = new Map([["a", { x: 0, y: 0 }], ["b", { x: 150, y: 60 }]]);
  const links = [{ from: "a", to: "b" }];
  expect([...curvesOf(links, places, size, "right").values()]).toEqual(["M100,20C125,20,125,80,150,80"]);
  expect([...curvesOf(links, places, size, "down").values()]).toEqual(["M50,40C50,50,200,50,200,60"]);
});

it("draws thousands of links by few paths, each of one region", () => {
  const size = { width: 200, height: 56, along: 44, across: 16 };
  const chain = Array.from({ length: 2000 }, (_, n) => ({ id: `s${n}`, needs: n === 0 ? [] : [`s${n - 1}`] }));
  const places = new Map(chain.map(({ id }, n) => [id, { x: n * 244, y: 0 }]));
  const curves = [...curvesOf(linksOf(chain), places, size, "right").values()];
  expect(curves.length).toBeLessThan(400);
  expect(curves.join("").match(/M/g)).toHaveLength(1999);
  for (const each of curves) {
    const from = [...each.matchAll(/M(\d+)/g)].map((match) => Number(match[1]));
    expect(Math.max(...from) - Math.min(...from)).toBeLessThan(1500);
  }
});
