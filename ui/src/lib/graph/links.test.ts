import { expect, it } from "vitest";
import { linksOf } from "./links";

it("draws each edge, but none of a bundle that nobody could tell apart", () => {
  const fan = (count: number) => [
    { id: "a", needs: [] },
    ...Array.from({ length: count }, (_, n) => ({ id: `w${n}`, needs: ["a"] })),
    { id: "z", needs: Array.from({ length: count }, (_, n) => `w${n}`) },
  ];
  expect(linksOf(fan(100))).toHaveLength(200);
  expect(linksOf(fan(2000))).toEqual([]);
  expect(linksOf([...fan(2000), { id: "end", needs: ["z"] }])).toEqual([{ id: "z end", from: "z", to: "end" }]);
});
