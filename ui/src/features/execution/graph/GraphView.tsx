import "@xyflow/react/dist/base.css";
import { Background, BackgroundVariant, ReactFlow, ReactFlowProvider } from "@xyflow/react";
import { useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Graph, GraphStep } from "../../../api/executions";
import { Pending } from "../../../components/Outcomes";
import type { Group } from "../../../lib/graph/fold";
import { type Direction, directionFor } from "../../../lib/graph/layers";
import { GraphControls } from "./GraphControls";
import classes from "./GraphView.module.css";
import { InSight } from "./InSight";
import { Links } from "./Links";
import { ShownContext } from "./shown";
import { StepNode, type StepNodeType } from "./StepNode";
import { SIZE, useLayout } from "./useLayout";

const TYPES = { step: StepNode };
const MANY = 300;
/** Said beforehand, or React Flow draws every node once to see how large it is, and where edges would begin. */
const SAID = { width: SIZE.width, height: SIZE.height, measured: { width: SIZE.width, height: SIZE.height }, handles: [] };

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
  const nodes = useMemo(
    () =>
      groups.map((group): StepNodeType => {
        const position = layout?.places.get(group.id) ?? { x: 0, y: 0 };
        return { id: group.id, type: "step", position, ...SAID, data: { group } };
      }),
    [groups, layout],
  );
  const chosen = groupOf(groups, selected);
  const shown = useMemo(
    () => ({ steps: new Map(graph.steps.map((step) => [step.id, step])), chosen, onSelect }),
    [graph.steps, chosen, onSelect],
  );
  const [look] = useState(() => callsForALook(graph.steps));
  // Far out, thousands of nodes would be in sight.
  const farthest = groups.length > MANY ? 0.35 : 0.1;
  return (
    <div className={`panel ${classes.canvas}`} ref={canvas}>
      {layout === undefined ? (
        <Pending />
      ) : (
        <ShownContext value={shown}>
          <ReactFlowProvider>
            <ReactFlow
              nodes={nodes}
              nodeTypes={TYPES}
              onlyRenderVisibleElements
              nodesDraggable={false}
              nodesConnectable={false}
              nodesFocusable={false}
              elementsSelectable={false}
              fitView
              fitViewOptions={{ maxZoom: 1, minZoom: Math.max(farthest, 0.4), padding: 0.08 }}
              minZoom={farthest}
              maxZoom={1.5}
              proOptions={{ hideAttribution: true }}
              aria-label={`Graph of ${graph.steps.length} steps`}
            >
              <Background variant={BackgroundVariant.Dots} gap={20} size={1.2} color="var(--border)" />
              <Links groups={groups} layout={layout} chosen={chosen} />
              <GraphControls folding={folding} onFold={onFold} />
              <InSight node={chosen ?? (groups.length > MANY ? groupOf(groups, look) : undefined)} />
            </ReactFlow>
          </ReactFlowProvider>
        </ShownContext>
      )}
    </div>
  );
}

function groupOf(groups: readonly Group[], step: string | undefined): string | undefined {
  return step === undefined ? undefined : groups.find(({ members }) => members.includes(step))?.id;
}

/** The step that a graph too large to be seen whole begins with. */
function callsForALook(steps: readonly GraphStep[]): string | undefined {
  const found = steps.find(({ status }) => status === "failed") ?? steps.find(({ status }) => status === "running");
  return found?.id;
}
