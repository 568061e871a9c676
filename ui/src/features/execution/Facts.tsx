import { CopyButton, Tooltip, UnstyledButton } from "@mantine/core";
import type { ReactNode } from "react";
import type { Graph } from "../../api/executions";
import { hasEnded } from "../../api/status";
import { StepProgress } from "../../components/StepProgress";
import { Duration, Time } from "../../components/Time";
import { Why } from "../../components/Why";
import { shortId } from "../../lib/words";
import { countsOf } from "./counts";
import classes from "./Facts.module.css";

interface FactsProps {
  graph: Graph;
  onStep: (id: string) => void;
}

/** What is to be known of an execution at once, and why it waits or has failed. */
export function Facts({ graph, onStep }: FactsProps) {
  const failed = graph.steps.filter((step) => step.status === "failed");
  return (
    <>
      <dl className={classes.facts}>
        <Fact label="Execution">
          <CopyButton value={graph.id}>
            {({ copied, copy }) => (
              <Tooltip label={copied ? "Copied" : `Copy ${graph.id}`}>
                <UnstyledButton onClick={copy} className={classes.id} aria-label={`${shortId(graph.id)}: copy the id ${graph.id}`}>
                  {shortId(graph.id)}
                </UnstyledButton>
              </Tooltip>
            )}
          </CopyButton>
        </Fact>
        <Fact label="Submitted">
          <Time at={graph.created_at} />
        </Fact>
        <Fact label={hasEnded(graph.status) ? "Took" : "Runs for"}>
          <Duration from={graph.started_at} to={graph.completed_at} />
        </Fact>
        <Fact label="Steps">
          <StepProgress counts={countsOf(graph.steps)} />
        </Fact>
      </dl>
      {(graph.waiting ?? graph.error ?? graph.reason) && (
        <div className={classes.why} data-status={graph.status} role="status">
          <Why of={graph} />
          {failed.slice(0, 3).map((step) => (
            <UnstyledButton key={step.id} className={classes.step} onClick={() => onStep(step.id)}>
              {step.name}
            </UnstyledButton>
          ))}
        </div>
      )}
    </>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
