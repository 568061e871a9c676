import { StackIcon, ZapIcon } from "@primer/octicons-react";
import type { Node, NodeProps } from "@xyflow/react";
import { memo, type ReactNode, useContext } from "react";
import type { GraphStep } from "../../../api/executions";
import type { StepStatus } from "../../../api/status";
import { StatusIcon } from "../../../components/Status";
import { StepProgress } from "../../../components/StepProgress";
import { Duration } from "../../../components/Time";
import type { Group } from "../../../lib/graph/fold";
import { whyWord } from "../../../lib/words";
import { countsOf, summaryOf } from "../counts";
import { ShownContext } from "./shown";
import classes from "./StepNode.module.css";

export type StepNodeType = Node<{ group: Group }, "step">;

/** A step, or steps that are alike. */
export const StepNode = memo(function StepNode({ data: { group } }: NodeProps<StepNodeType>) {
  const { steps, chosen, onSelect } = useContext(ShownContext);
  const selected = group.id === chosen;
  const [id = ""] = group.members;
  const step = steps.get(id);
  if (group.members.length === 1) return step && <Single step={step} selected={selected} onSelect={onSelect} />;
  const members = group.members.flatMap((member) => steps.get(member) ?? []);
  return (
    <Card
      status={summaryOf(members)}
      label={group.label}
      selected={selected}
      many
      onClick={() => onSelect({ group: group.id })}
    >
      <StackIcon size={12} />
      <StepProgress counts={countsOf(members)} small />
    </Card>
  );
});

interface SingleProps {
  step: GraphStep;
  selected: boolean;
  onSelect: (chosen: { step: string }) => void;
}

const Single = memo(function Single({ step, selected, onSelect }: SingleProps) {
  return (
    <Card status={step.status} label={step.name} selected={selected} onClick={() => onSelect({ step: step.id })}>
      <Below step={step} />
    </Card>
  );
});

interface CardProps {
  status: StepStatus;
  label: string;
  selected: boolean;
  many?: boolean;
  onClick: () => void;
  children: ReactNode;
}

function Card({ status, label, selected, many, onClick, children }: CardProps) {
  return (
    <button
      type="button"
      className={classes.node}
      data-status={status}
      data-group={many}
      aria-pressed={selected}
      onClick={onClick}
    >
      <StatusIcon status={status} size={18} silent={false} />
      <span className={classes.text}>
        <span className={classes.label} title={label}>
          {label}
        </span>
        <span className={classes.below}>{children}</span>
      </span>
    </button>
  );
}

function Below({ step }: { step: GraphStep }) {
  if (step.cached) {
    return (
      <>
        <ZapIcon size={12} /> from the cache
      </>
    );
  }
  const why = whyWord(step);
  if (why) return <span title={step.waiting?.detail ?? step.error}>{why}</span>;
  if (step.started_at === null) return <>{step.status}</>;
  return <Duration from={step.started_at} to={step.completed_at} />;
}
