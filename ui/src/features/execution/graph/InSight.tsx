import { useReactFlow, useStore } from "@xyflow/react";
import { useEffect } from "react";
import { SIZE } from "./useLayout";

const MARGIN = 16;

/** Moves the graph if the chosen node would not be seen: when it is chosen elsewhere, or a panel opens over it. */
export function InSight({ node }: { node: string | undefined }) {
  const flow = useReactFlow();
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  useEffect(() => {
    const found = node === undefined ? undefined : flow.getNode(node);
    if (found === undefined || width === 0) return;
    const { x, y, zoom } = flow.getViewport();
    const left = found.position.x * zoom + x;
    const top = found.position.y * zoom + y;
    const inside =
      left >= MARGIN &&
      top >= MARGIN &&
      left + SIZE.width * zoom <= width - MARGIN &&
      top + SIZE.height * zoom <= height - MARGIN;
    if (inside) return;
    const centre = { x: found.position.x + SIZE.width / 2, y: found.position.y + SIZE.height / 2 };
    void flow.setCenter(centre.x, centre.y, { zoom: Math.max(zoom, 0.6) });
  }, [flow, node, width, height]);
  return null;
}
