import { depthsOf, type GraphNode } from "./fold";

export interface Place {
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
  /** Between one depth and the next, and between nodes of one depth. */
  along: number;
  across: number;
}

/** Which way the graph grows. */
export type Direction = "right" | "down";

/**
 * Places nodes in layers by their depth, each near those before it: no picture that avoids every crossing, but done at
 * once for any number of nodes.
 */
export function layers(nodes: readonly GraphNode[], size: Size, direction: Direction): Map<string, Place> {
  const right = direction === "right";
  const along = (right ? size.width : size.height) + size.along;
  const across = (right ? size.height : size.width) + size.across;
  const placed = new Map<string, number>();
  const places = new Map<string, Place>();
  layersOf(nodes).forEach((layer, depth) => {
    const wanted = new Map(layer.map((node, index) => [node.id, mean(node, placed) ?? index * across]));
    const sorted = [...layer].sort((a, b) => (wanted.get(a.id) ?? 0) - (wanted.get(b.id) ?? 0));
    sorted.forEach(({ id }, index) => {
      const aside = (index - (sorted.length - 1) / 2) * across;
      placed.set(id, aside);
      places.set(id, right ? { x: depth * along, y: aside } : { x: aside, y: depth * along });
    });
  });
  return places;
}

/** Chooses the way in which more of the graph fits into a window at a size that can be read. */
export function directionFor(nodes: readonly GraphNode[], size: Size, window: { width: number; height: number }): Direction {
  const found = layersOf(nodes);
  const long = found.length;
  const wide = Math.max(1, ...found.map((layer) => layer.length));
  const { width, height, along, across } = size;
  const right = Math.min(window.width / (long * (width + along)), window.height / (wide * (height + across)), 1);
  const down = Math.min(window.width / (wide * (width + across)), window.height / (long * (height + along)), 1);
  return down > right * 1.1 ? "down" : "right";
}

function layersOf(nodes: readonly GraphNode[]): GraphNode[][] {
  const depths = depthsOf(nodes);
  const found: GraphNode[][] = [];
  for (const node of nodes) (found[depths.get(node.id) ?? 0] ??= []).push(node);
  return found;
}

function mean(node: GraphNode, placed: ReadonlyMap<string, number>): number | undefined {
  const before = node.needs.flatMap((need) => placed.get(need) ?? []);
  return before.length === 0 ? undefined : before.reduce((sum, aside) => sum + aside, 0) / before.length;
}
