import { useVirtualizer } from "@tanstack/react-virtual";
import { type CSSProperties, useMemo, useRef } from "react";
import type { Graph, GraphStep } from "../../../api/executions";
import { hasEnded } from "../../../api/status";
import { Empty } from "../../../components/Empty";
import { StatusIcon } from "../../../components/Status";
import { useNow } from "../../../lib/clock";
import { duration } from "../../../lib/time";
import { whyWord } from "../../../lib/words";
import { barOf, byStart, type Range, rangeOf, ticks } from "../../../lib/timeline";
import classes from "./Timeline.module.css";

const ROW = 32;
const MARKS = 6;

interface TimelineProps {
  graph: Graph;
  selected: string | undefined;
  onSelect: (step: string) => void;
}

/** When each step ran, the first at the top. Only the rows in sight are drawn. */
export function Timeline({ graph, selected, onSelect }: TimelineProps) {
  const clock = useNow();
  const now = hasEnded(graph.status) ? Date.parse(graph.completed_at ?? graph.created_at) : clock;
  const steps = useMemo(() => byStart(graph.steps), [graph.steps]);
  const scroller = useRef<HTMLDivElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- the compiler is not used
  const rows = useVirtualizer({
    count: steps.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 10,
  });
  const range = rangeOf(graph.steps, now);
  if (range === undefined) {
    return (
      <div className={`panel ${classes.timeline}`}>
        <Empty title="Nothing has begun yet">{graph.waiting?.detail}</Empty>
      </div>
    );
  }
  return (
    <div className={`panel ${classes.timeline}`} ref={scroller} tabIndex={0} role="region" aria-label="Timeline">
      <Axis range={range} />
      <ul className={classes.rows} style={{ height: rows.getTotalSize() }} aria-label={`${steps.length} steps`}>
        {rows.getVirtualItems().map(({ index, start }) => {
          const step = steps[index];
          if (step === undefined) return null;
          return (
            <li key={step.id} className={classes.item} style={{ transform: `translateY(${start}px)`, height: ROW }}>
              <Row step={step} range={range} now={now} selected={step.id === selected} onSelect={onSelect} />
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function Axis({ range }: { range: Range }) {
  const length = range.end - range.start;
  return (
    <div className={classes.axis} aria-hidden>
      <div className={classes.marks}>
        {ticks(range, MARKS).map((mark) => (
          <span key={mark} className={`${classes.mark} tabular`} style={{ left: `${(mark / length) * 100}%` }}>
            {mark === 0 ? "0" : duration(mark)}
          </span>
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  step: GraphStep;
  range: Range;
  now: number;
  selected: boolean;
  onSelect: (step: string) => void;
}

function Row({ step, range, now, selected, onSelect }: RowProps) {
  const bar = barOf(step, range, now);
  const took = step.started_at ? duration((step.completed_at ? Date.parse(step.completed_at) : now) - Date.parse(step.started_at)) : undefined;
  return (
    <button
      type="button"
      className={classes.row}
      aria-pressed={selected}
      onClick={() => onSelect(step.id)}
    >
      <span className={classes.name}>
        <StatusIcon status={step.status} size={14} silent={false} />
        <span>{step.name}</span>
      </span>
      <span className={classes.track}>
        {bar === undefined ? (
          <span className={classes.note}>{step.waiting?.detail ?? step.error ?? whyWord(step)}</span>
        ) : (
          <span
            className={classes.bar}
            data-status={step.status}
            style={{ "--left": bar.left, "--width": bar.width } as CSSProperties}
          >
            <span className={`${classes.took} tabular`}>{took}</span>
          </span>
        )}
      </span>
    </button>
  );
}
