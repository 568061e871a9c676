import { ViewportPortal } from "@xyflow/react";
import { memo, useMemo } from "react";
import type { Group } from "../../../lib/graph/fold";
import { curvesOf, linksOf } from "../../../lib/graph/links";
import classes from "./GraphView.module.css";
import { type Layout, SIZE } from "./useLayout";

interface LinksProps {
  groups: readonly Group[];
  layout: Layout;
  /** The node whose links stand out. */
  chosen: string | undefined;
}

/** What needs what. React Flow's own edges are an element and several subscriptions each: thousands stand still. */
export const Links = memo(function Links({ groups, layout, chosen }: LinksProps) {
  const { places, direction } = layout;
  const links = useMemo(() => linksOf(groups), [groups]);
  const all = useMemo(() => curvesOf(links, places, SIZE, direction), [links, places, direction]);
  const own = useMemo(() => {
    const found = chosen === undefined ? [] : links.filter(({ from, to }) => from === chosen || to === chosen);
    return curvesOf(found, places, SIZE, direction);
  }, [links, places, direction, chosen]);
  return (
    <ViewportPortal>
      <svg className={classes.links} aria-hidden>
        {[...all].map(([tile, path]) => (
          <path key={tile} d={path} />
        ))}
        {[...own].map(([tile, path]) => (
          <path key={tile} d={path} className={classes.own} />
        ))}
      </svg>
    </ViewportPortal>
  );
});
