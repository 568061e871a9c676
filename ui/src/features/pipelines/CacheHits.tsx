import { ZapIcon } from "@primer/octicons-react";
import type { components } from "../../api/schema";
import classes from "./CacheHits.module.css";

/** How many steps of an execution came from the cache. */
export function CacheHits({ steps }: { steps: Record<string, components["schemas"]["StepItem"]> }) {
  const all = Object.values(steps);
  const hits = all.filter((step) => step.cached).length;
  return (
    <span className={classes.hits} data-any={hits > 0 || undefined}>
      {hits > 0 && <ZapIcon size={14} />}
      <span className="tabular">
        {hits} of {all.length}
      </span>
    </span>
  );
}
