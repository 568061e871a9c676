import { StackIcon, ZapIcon } from "@primer/octicons-react";
import { Handle, type Node, type NodeProps, Position } from "@xyflow/react";
import { memo } from "react";
import type { GraphStep } from "../../../api/executions";
import { StatusIcon } from "../../../components/Status";
import { StepProgress } from "../../../components/StepProgress";
import { Duration } from "../../../components/Time";
import type { Group } from "../../../lib/graph/fold";
import type { Direction } from "../../../lib/graph/layers";
import { reasonWord } from "../../../lib/words";
import { countsOf, summaryOf } from "../counts";
import classes from "./StepNode.module.css";

export type StepNodeType = Node<
  {
    group: Group;
    members: readonly GraphStep[];
    direction: Direction;
    selected: boolean;
    onSelect: (chosen: { step?: string; group?: string }) => void;
  },
  "step"
>;

/** A step, or steps that are alike. */
export const StepNode = memo(function StepNode({ data }: NodeProps<StepNodeType>) {
  const { group, members, direction, selected, onSelect } = data;
  const [from, to] = direction === "right" ? [Position.Left, Position.Right] : [Position.Top, Position.Bottom];
  const [first] = members;
  if (first === undefined) return null;
  const single = members.length === 1;
  const status = summaryOf(members);
  const label = single ? first.name : group.label;
  return (
    <>
      <Handle type="target" position={from} isConnectable={false} />
      <button
        type="button"
        className={classes.node}
        data-status={status}
        data-group={!single || undefined}
        aria-pressed={selected}
        onClick={() => onSelect(single ? { step: first.id } : { group: group.id })}
      >
        <StatusIcon status={status} size={18} silent={false} />
        <span className={classes.text}>
          <span className={classes.label} title={label}>
            {label}
          </span>
          <span className={classes.below}>{single ? <Below step={first} /> : <Many members={members} />}</span>
        </span>
      </button>
      <Handle type="source" position={to} isConnectable={false} />
    </>
  );
});

function Below({ step }: { step: GraphStep }) {
  if (step.cached) {
    return (
      <>
        <ZapIcon size={12} /> from the cache
      </>
    );
  }
  const why = step.status === "failed" || step.status === "skipped" ? step.reason : step.waiting?.code;
  if (why) return <span title={step.waiting?.detail ?? step.error}>{reasonWord(why)}</span>;
  if (step.started_at === null) return <>{step.status}</>;
  return <Duration from={step.started_at} to={step.completed_at} />;
}

function Many({ members }: { members: readonly GraphStep[] }) {
  return (
    <>
      <StackIcon size={12} />
      <StepProgress counts={countsOf(members)} small />
    </>
  );
}
