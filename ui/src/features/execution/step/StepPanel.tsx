import { ArrowLeftIcon, XIcon } from "@primer/octicons-react";
import { ActionIcon, Tabs } from "@mantine/core";
import { useState } from "react";
import type { Graph, GraphStep } from "../../../api/executions";
import { Status } from "../../../components/Status";
import { Duration } from "../../../components/Time";
import { Why } from "../../../components/Why";
import { LogView } from "../log/LogView";
import { StepDetails } from "./StepDetails";
import classes from "./StepPanel.module.css";

interface StepPanelProps {
  graph: Graph;
  step: GraphStep;
  onClose: () => void;
  /** Back to the list that the step was chosen from, if there is one. */
  onBack: (() => void) | undefined;
  onStep: (id: string) => void;
}

/** One step: its log, and all that is known of it. */
export function StepPanel({ graph, step, onClose, onBack, onStep }: StepPanelProps) {
  const [tab, setTab] = useState<string | null>("log");
  return (
    <aside className={`panel ${classes.panel}`} aria-label={`Step ${step.name}`}>
      <header className={classes.header}>
        {onBack && (
          <ActionIcon variant="subtle" color="gray" aria-label="Back to the list" onClick={onBack}>
            <ArrowLeftIcon />
          </ActionIcon>
        )}
        <h2 className={classes.title} title={step.id}>
          {step.name}
        </h2>
        <ActionIcon variant="subtle" color="gray" aria-label="Close" onClick={onClose}>
          <XIcon />
        </ActionIcon>
      </header>
      <div className={classes.state}>
        <Status status={step.status} />
        {step.started_at !== null && <Duration from={step.started_at} to={step.completed_at} />}
        {step.exit_code !== undefined && <span>exit code {step.exit_code}</span>}
        {step.attempt !== undefined && <span>attempt {step.attempt}</span>}
        {step.cached && <span>from the cache</span>}
      </div>
      {(step.error ?? step.reason ?? step.waiting) && (
        <div className={classes.why} data-status={step.status}>
          <Why of={step} />
        </div>
      )}
      <Tabs value={tab} onChange={setTab} keepMounted={false} className={classes.tabs ?? ""}>
        <Tabs.List px={8}>
          <Tabs.Tab value="log">Log</Tabs.Tab>
          <Tabs.Tab value="details">Details</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="log" className={classes.content ?? ""}>
          <LogView execution={graph.id} status={step.status} step={step.id} />
        </Tabs.Panel>
        <Tabs.Panel value="details" className={`${classes.content} ${classes.scroll}`} tabIndex={0}>
          <StepDetails graph={graph} step={step} onStep={onStep} />
        </Tabs.Panel>
      </Tabs>
    </aside>
  );
}
