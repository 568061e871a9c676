import { useMemo } from "react";
import type { Graph } from "../../api/executions";
import { fold, type GraphNode, type Group, unfolded } from "../../lib/graph/fold";

const FOLD_FROM = 24;

interface Groups {
  /** The nodes to show; they are the same as long as the graph has the same steps. */
  groups: readonly Group[];
  /** Whether steps are shown as one; `undefined` if none are alike. */
  folding: boolean | undefined;
}

/** Folds steps that are alike, if that is asked for, or if there are many. */
export function useGroups(graph: Graph, asked: boolean | undefined): Groups {
  // The steps of an execution never change, only their states do.
  const shape = JSON.stringify(graph.steps.map(({ id, depends_on }) => [id, depends_on]));
  const [folded, single] = useMemo(() => {
    const nodes = (JSON.parse(shape) as [string, string[]][]).map(([id, needs]): GraphNode => ({ id, needs }));
    return [fold(nodes), unfolded(nodes)];
  }, [shape]);
  const folding = asked ?? single.length >= FOLD_FROM;
  return {
    groups: folding ? folded : single,
    folding: folded.length < single.length ? folding : undefined,
  };
}
