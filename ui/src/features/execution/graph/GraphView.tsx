import "@xyflow/react/dist/base.css";
import { Background, BackgroundVariant, type Edge, ReactFlow, ReactFlowProvider } from "@xyflow/react";
import { useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Graph } from "../../../api/executions";
import { Pending } from "../../../components/Outcomes";
import type { Group } from "../../../lib/graph/fold";
import { linksOf } from "../../../lib/graph/links";
import { type Direction, directionFor } from "../../../lib/graph/layers";
import { GraphControls } from "./GraphControls";
import classes from "./GraphView.module.css";
import { InSight } from "./InSight";
import { StepNode, type StepNodeType } from "./StepNode";
import { SIZE, useLayout } from "./useLayout";

const TYPES = { step: StepNode };
const MANY = 300;

interface GraphViewProps {
  graph: Graph;
  groups: readonly Group[];
  /** Whether steps are shown as one; `undefined` if none are alike. */
  folding: boolean | undefined;
  onFold: (fold: boolean) => void;
  selected: string | undefined;
  onSelect: (chosen: { step?: string; group?: string }) => void;
}

/** The steps as a graph. Only what is in sight is drawn. */
export function GraphView({ graph, groups, folding, onFold, selected, onSelect }: GraphViewProps) {
  const canvas = useRef<HTMLDivElement>(null);
  const [direction, setDirection] = useState<Direction>();
  // Chosen once: a graph that turns when a panel opens beside it would be found again by nobody.
  useLayoutEffect(() => {
    if (canvas.current) setDirection(directionFor(groups, SIZE, canvas.current.getBoundingClientRect()));
  }, [groups]);
  const layout = useLayout(groups, direction);
  const edges = useMemo<Edge[]>(
    () => linksOf(groups).map(({ id, from, to }) => ({ id, source: from, target: to, focusable: false })),
    [groups],
  );
  const chosen = groups.find(({ members }) => members.includes(selected ?? ""))?.id;
  const nodes = useMemo(() => {
    const steps = new Map(graph.steps.map((step) => [step.id, step]));
    return groups.map((group): StepNodeType => {
      const members = group.members.flatMap((id) => steps.get(id) ?? []);
      return {
        id: group.id,
        type: "step",
        position: layout?.places.get(group.id) ?? { x: 0, y: 0 },
        width: SIZE.width,
        height: SIZE.height,
        data: { group, members, direction: layout?.direction ?? "right", selected: group.id === chosen, onSelect },
      };
    });
  }, [graph.steps, groups, layout, chosen, onSelect]);
  // Far out, thousands of nodes would be in sight.
  const farthest = groups.length > MANY ? 0.35 : 0.1;
  return (
    <div className={`panel ${classes.canvas}`} ref={canvas}>
      {layout === undefined ? (
        <Pending />
      ) : (
        <ReactFlowProvider>
          <ReactFlow
            nodes={nodes}
            edges={edges}
            nodeTypes={TYPES}
            onlyRenderVisibleElements
            nodesDraggable={false}
            nodesConnectable={false}
            nodesFocusable={false}
            edgesFocusable={false}
            elementsSelectable={false}
            fitView
            fitViewOptions={{ maxZoom: 1, minZoom: Math.max(farthest, 0.4), padding: 0.08 }}
            minZoom={farthest}
            maxZoom={1.5}
            proOptions={{ hideAttribution: true }}
            aria-label={`Graph of ${graph.steps.length} steps`}
          >
            <Background variant={BackgroundVariant.Dots} gap={20} size={1.2} color="var(--border)" />
            <GraphControls folding={folding} onFold={onFold} />
            <InSight node={chosen} />
          </ReactFlow>
        </ReactFlowProvider>
      )}
    </div>
  );
}
