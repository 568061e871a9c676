import { useState } from "react";
import type { Graph } from "../../api/executions";
import { fold, type GraphNode, type Group, unfolded } from "../../lib/graph/fold";

const FOLD_FROM = 24;

interface Groups {
  /** The nodes to show; they are the same as long as the graph has the same steps. */
  groups: readonly Group[];
  /** Whether steps are shown as one; `undefined` if none are alike. */
  folding: boolean | undefined;
}

/**
 * Folds steps that are alike, if that is asked for, or if there are many. The steps of an execution and their needs never
 * change, only their states do: another execution must be another component.
 */
export function useGroups(graph: Graph, asked: boolean | undefined): Groups {
  const [{ folded, single }] = useState(() => {
    const nodes = graph.steps.map(({ id, depends_on }): GraphNode => ({ id, needs: depends_on }));
    return { folded: fold(nodes), single: unfolded(nodes) };
  });
  const folding = asked ?? single.length >= FOLD_FROM;
  return {
    groups: folding ? folded : single,
    folding: folded.length < single.length ? folding : undefined,
  };
}
