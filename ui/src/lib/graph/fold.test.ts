import { describe, expect, it } from "vitest";
import { depthsOf, fold, type GraphNode, unfolded } from "./fold";

function node(id: string, ...needs: string[]): GraphNode {
  return { id, needs };
}

function many(count: number, make: (index: number) => GraphNode): GraphNode[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

const FAN = [node("split"), ...many(40, (n) => node(`work-${n}`, "split")), node("join", ...many(40, (n) => node(`work-${n}`)).map(({ id }) => id))];

describe("fold", () => {
  it("makes one of a fan-out", () => {
    expect(fold(FAN).map(({ label, members, needs }) => [label, members.length, needs])).toEqual([
      ["split", 1, []],
      ["work-…", 40, ["split"]],
      ["join", 1, ["work-0"]],
    ]);
  });

  it("makes one of each link of chains side by side", () => {
    const chains = many(30, (n) => node(`get${n}`)).concat(
      many(30, (n) => node(`run${n}`, `get${n}`)),
      many(30, (n) => node(`put${n}`, `run${n}`)),
    );
    expect(fold(chains).map(({ label, members, needs }) => [label, members.length, needs])).toEqual([
      ["get…", 30, []],
      ["run…", 30, ["get0"]],
      ["put…", 30, ["run0"]],
    ]);
  });

  it("leaves apart what is called otherwise, what stands otherwise, and few", () => {
    const nodes = [
      node("a"),
      ...["lint", "test", "scan", "docs", "types"].map((id) => node(id, "a")),
      node("shard1", "a"), node("shard2", "a"), node("shard3", "a"),
      node("shard4", "lint"),
    ];
    expect(fold(nodes).every(({ members }) => members.length === 1)).toBe(true);
  });

  it("folds by place alone where names would leave too many", () => {
    const word = (n: number) => n.toString(2).replaceAll("0", "a").replaceAll("1", "b");
    const nodes = [node("root"), ...many(300, (n) => node(word(n), "root"))];
    expect(fold(nodes).map(({ members }) => members.length)).toEqual([1, 300]);
  });

  it("folds what is as far from the beginning where few stand alike", () => {
    let seed = 3;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    const nodes = many(2000, (n) => {
      const layer = Math.floor(n / 50);
      const needs = layer === 0 ? [] : many(3, () => node(`task-${(layer - 1) * 50 + Math.floor(random() * 50)}`));
      return node(`task-${n}`, ...new Set(needs.map(({ id }) => id)));
    });
    const groups = fold(nodes);
    expect(groups).toHaveLength(40);
    expect(groups.every(({ members, label }) => members.length === 50 && label === "task-…")).toBe(true);
    expect(depthsOf(groups).size).toBe(40);
  });

  it("never makes a cycle, and loses no node", () => {
    let seed = 7;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    for (let round = 0; round < 60; round += 1) {
      const nodes = many(60, (n) => node(`s${n}`, ...many(n, (k) => node(`s${k}`)).filter(() => random() < 0.04).map(({ id }) => id)));
      const groups = fold(nodes);
      expect(groups.flatMap(({ members }) => members).sort()).toEqual(nodes.map(({ id }) => id).sort());
      expect(depthsOf(groups).size).toBe(groups.length);
      const ids = new Set(groups.map(({ id }) => id));
      expect(groups.every(({ needs }) => needs.every((need) => ids.has(need)))).toBe(true);
    }
  });

  it("takes a chain of thousands", () => {
    const chain = many(5000, (n) => (n === 0 ? node("s0") : node(`s${n}`, `s${n - 1}`)));
    expect(fold(chain)).toHaveLength(5000);
    expect(depthsOf(chain).get("s4999")).toBe(4999);
  });
});

it("shows each by itself if told so", () => {
  expect(unfolded(FAN)).toHaveLength(42);
});
