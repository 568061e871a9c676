import type { GraphNode } from "./fold";

export interface Link {
  id: string;
  from: string;
  to: string;
}

const MOST = 150;

/** The edges to draw. Of a bundle at one node that nobody could tell apart, none is: it would only cover the rest. */
export function linksOf(nodes: readonly GraphNode[]): Link[] {
  const followers = new Map<string, number>();
  for (const { needs } of nodes) for (const need of needs) followers.set(need, (followers.get(need) ?? 0) + 1);
  return nodes.flatMap(({ id, needs }) =>
    needs.length > MOST
      ? []
      : needs
          .filter((need) => (followers.get(need) ?? 0) <= MOST)
          .map((need) => ({ id: `${need} ${id}`, from: need, to: id })),
  );
}
