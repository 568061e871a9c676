import { XIcon } from "@primer/octicons-react";
import { ActionIcon, TextInput } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState } from "react";
import type { Graph } from "../../../api/executions";
import { StatusIcon } from "../../../components/Status";
import { StepProgress } from "../../../components/StepProgress";
import { Duration } from "../../../components/Time";
import type { Group } from "../../../lib/graph/fold";
import { count, whyWord } from "../../../lib/words";
import { countsOf } from "../counts";
import { ofMembers } from "./members";
import classes from "./StepPanel.module.css";

const ROW = 34;

interface GroupPanelProps {
  graph: Graph;
  group: Group;
  onStep: (id: string) => void;
  onClose: () => void;
}

/** The steps that are shown as one, what calls for a look first. */
export function GroupPanel({ graph, group, onStep, onClose }: GroupPanelProps) {
  const [search, setSearch] = useState("");
  const all = useMemo(() => ofMembers(graph.steps, group.members, ""), [graph.steps, group.members]);
  const steps = useMemo(() => ofMembers(graph.steps, group.members, search), [graph.steps, group.members, search]);
  const scroller = useRef<HTMLDivElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- the compiler is not used
  const rows = useVirtualizer({
    count: steps.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 10,
  });
  return (
    <aside className={`panel ${classes.panel}`} aria-label={`Steps ${group.label}`}>
      <header className={classes.header}>
        <h2 className={classes.title}>{group.label}</h2>
        <ActionIcon variant="subtle" color="gray" aria-label="Close" onClick={onClose}>
          <XIcon />
        </ActionIcon>
      </header>
      <div className={classes.state}>
        {count(group.members.length, "step")}
        <StepProgress counts={countsOf(all)} />
      </div>
      <TextInput
        mx={12}
        mb={10}
        size="xs"
        aria-label="Find a step"
        placeholder="Find a step, or a status"
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
      />
      <div className={classes.members} ref={scroller} tabIndex={0} role="region" aria-label="Steps">
        <div style={{ position: "relative", height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ index, start }) => {
            const step = steps[index];
            if (step === undefined) return null;
            return (
              <div
                key={step.id}
                style={{ position: "absolute", top: 0, width: "100%", height: ROW, transform: `translateY(${start}px)` }}
              >
                <button type="button" className={classes.member} onClick={() => onStep(step.id)}>
                  <StatusIcon status={step.status} size={14} silent={false} />
                  <span>{step.name}</span>
                  <span className={classes.note} title={step.waiting?.detail ?? step.error}>
                    {whyWord(step)}
                  </span>
                  {step.started_at !== null && <Duration from={step.started_at} to={step.completed_at} />}
                </button>
              </div>
            );
          })}
        </div>
      </div>
    </aside>
  );
}
