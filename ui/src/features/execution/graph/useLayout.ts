import { useEffect, useState } from "react";
import type { Group } from "../../../lib/graph/fold";
import { type Direction, layers, type Place, type Size } from "../../../lib/graph/layers";

export const SIZE: Size = { width: 200, height: 56, along: 44, across: 16 };

const MOST_NODES = 150;
const MOST_EDGES = 400;
const PATIENCE_MS = 600;

export interface Layout {
  groups: readonly Group[];
  direction: Direction;
  places: ReadonlyMap<string, Place>;
}

/**
 * Where the groups are drawn; `undefined` until that is known. Too many for a fine picture get a plain one at once, and
 * so do those that it takes too long for.
 */
export function useLayout(groups: readonly Group[], direction: Direction | undefined): Layout | undefined {
  const [layout, setLayout] = useState<Layout>();
  useEffect(() => {
    if (direction === undefined) return;
    let current = true;
    void placesOf(groups, direction).then((places) => {
      if (current) setLayout({ groups, direction, places });
    });
    return () => {
      current = false;
    };
  }, [groups, direction]);
  return layout?.groups === groups && layout.direction === direction ? layout : undefined;
}

async function placesOf(groups: readonly Group[], direction: Direction): Promise<ReadonlyMap<string, Place>> {
  const edges = groups.reduce((sum, { needs }) => sum + needs.length, 0);
  if (groups.length > MOST_NODES || edges > MOST_EDGES) return layers(groups, SIZE, direction);
  try {
    const { placed } = await import("../../../lib/graph/elk");
    return (await placed(groups, SIZE, direction, PATIENCE_MS)) ?? layers(groups, SIZE, direction);
  } catch {
    return layers(groups, SIZE, direction);
  }
}
