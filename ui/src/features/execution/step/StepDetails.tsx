import { UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Fragment } from "react";
import { cacheQuery, type Graph, type GraphStep, type StepDetail, stepQuery } from "../../../api/executions";
import { Loaded } from "../../../components/Loaded";
import { NamedValues } from "../../../components/NamedValues";
import { Attempts } from "./Attempts";
import { Container } from "./Container";
import classes from "./StepPanel.module.css";

interface StepDetailsProps {
  graph: Graph;
  step: GraphStep;
  onStep: (id: string) => void;
}

/** What a step was given, has left, was told to do, and how its attempts went. */
export function StepDetails({ graph, step, onStep }: StepDetailsProps) {
  const query = useQuery(stepQuery(graph.id, step.id));
  return (
    <Loaded query={query}>
      {(detail: StepDetail) => (
        <div className={classes.details}>
          {step.depends_on.length > 0 && (
            <section className={classes.section}>
              <h3>Depends on</h3>
              {step.depends_on.slice(0, 30).map((id, index) => (
                <Fragment key={id}>
                  {index > 0 && ", "}
                  <UnstyledButton className={classes.link ?? ""} onClick={() => onStep(id)}>
                    {id}
                  </UnstyledButton>
                </Fragment>
              ))}
              {step.depends_on.length > 30 && ` and ${step.depends_on.length - 30} more`}
            </section>
          )}
          <section className={classes.section}>
            <h3>Inputs</h3>
            <NamedValues values={detail.inputs} none="None." />
          </section>
          <section className={classes.section}>
            <h3>Outputs</h3>
            <NamedValues values={detail.outputs} none="None yet." />
            {detail.outputs_truncated && (
              <p className={classes.quiet}>Not all of standard output was kept: it was too long, or the engine was away.</p>
            )}
          </section>
          <Attempts attempts={detail.attempts} />
          {graph.pipeline_id && <Cache execution={graph.id} step={step.id} />}
          <Container detail={detail} />
        </div>
      )}
    </Loaded>
  );
}

function Cache({ execution, step }: { execution: string; step: string }) {
  const { data } = useQuery({ ...cacheQuery(execution, step), retry: false });
  if (data === undefined) return null;
  return (
    <section className={classes.section}>
      <h3>Cache</h3>
      <dl className={classes.pairs}>
        <dt>Result</dt>
        <dd>{data.cache}</dd>
        <dt>Why</dt>
        <dd>{data.detail}</dd>
      </dl>
    </section>
  );
}
