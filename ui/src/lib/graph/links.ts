import type { GraphNode } from "./fold";
import type { Direction, Place, Size } from "./layers";

export interface Link {
  from: string;
  to: string;
}

const MOST = 150;
const TILE = 1_500;

/** The edges to draw. Of a bundle at one node that nobody could tell apart, none is: it would only cover the rest. */
export function linksOf(nodes: readonly GraphNode[]): Link[] {
  const followers = new Map<string, number>();
  for (const { needs } of nodes) for (const need of needs) followers.set(need, (followers.get(need) ?? 0) + 1);
  return nodes.flatMap(({ id, needs }) =>
    needs.length > MOST
      ? []
      : needs.filter((need) => (followers.get(need) ?? 0) <= MOST).map((need) => ({ from: need, to: id })),
  );
}

/**
 * The curves of links, as data of SVG paths: one for all links that begin in the same region, so that thousands are
 * few elements, and those out of sight cost a browser nothing.
 */
export function curvesOf(
  links: readonly Link[],
  places: ReadonlyMap<string, Place>,
  size: Size,
  direction: Direction,
): Map<string, string> {
  const curves = new Map<string, string>();
  for (const { from, to } of links) {
    const [start, end] = [places.get(from), places.get(to)];
    if (start === undefined || end === undefined) continue;
    const tile = `${Math.floor(start.x / TILE)} ${Math.floor(start.y / TILE)}`;
    curves.set(tile, (curves.get(tile) ?? "") + curve(start, end, size, direction));
  }
  return curves;
}

/** From the middle of the side where a node ends to that where the next one begins. */
function curve(from: Place, to: Place, { width, height }: Size, direction: Direction): string {
  const [startX, startY, endX, endY] =
    direction === "right"
      ? [from.x + width, from.y + height / 2, to.x, to.y + height / 2]
      : [from.x + width / 2, from.y + height, to.x + width / 2, to.y];
  const [halfX, halfY] = [(startX + endX) / 2, (startY + endY) / 2];
  const bend = direction === "right" ? [halfX, startY, halfX, endY] : [startX, halfY, endX, halfY];
  return `M${[startX, startY].map(Math.round).join()}C${[...bend, endX, endY].map(Math.round).join()}`;
}
