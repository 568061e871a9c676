import { Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useId } from "react";
import { executionsQuery, type ExecutionStatus, type Glance } from "../../api/executions";
import { Loaded } from "../../components/Loaded";
import { RowLink } from "../../components/RowLink";
import { StatusIcon } from "../../components/Status";
import { StepProgress } from "../../components/StepProgress";
import { Duration, Time } from "../../components/Time";
import { Why } from "../../components/Why";
import { LATELY } from "./Figures";
import classes from "./Overview.module.css";

interface LatelyProps {
  title: string;
  status: ExecutionStatus;
  sort?: string;
  none: string;
}

/** The first executions of one status, with the way to all of them. */
export function Lately({ title, status, sort, none }: LatelyProps) {
  const heading = useId();
  const query = useQuery(executionsQuery({ status, sort }, LATELY));
  return (
    <section className="panel" aria-labelledby={heading}>
      <div className={classes.head}>
        <Title order={2} id={heading}>
          {title}
        </Title>
        {query.data && query.data.total > LATELY && (
          <Link to="/executions" search={{ status, sort }}>
            All {query.data.total.toLocaleString()}
          </Link>
        )}
      </div>
      <Loaded query={query}>
        {({ executions }) =>
          executions.length === 0 ? (
            <p className={classes.none}>{none}</p>
          ) : (
            <ul className={classes.list}>
              {executions.map((execution) => (
                <Item key={execution.id} execution={execution} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </section>
  );
}

function Item({ execution }: { execution: Glance }) {
  const { id, name, status, steps, created_at, started_at, completed_at } = execution;
  return (
    <li className={classes.item}>
      <StatusIcon status={status} />
      <RowLink to="/executions/$id" params={{ id }} title={id}>
        {name ?? "deleted"}
      </RowLink>
      <span className={classes.when}>
        {status === "running" ? <Duration from={started_at} to={null} /> : <Time at={completed_at ?? created_at} />}
      </span>
      <span className={classes.below}>
        {status === "running" && !execution.waiting ? <StepProgress counts={steps} /> : <Why of={execution} short />}
      </span>
    </li>
  );
}
