import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { executionsQuery, type ExecutionStatus } from "../../api/executions";
import type { ServiceStatus, Throughput } from "../../api/monitoring";
import { StatusIcon } from "../../components/Status";
import classes from "./Overview.module.css";

interface FiguresProps {
  status: ServiceStatus | undefined;
  throughput: Throughput | undefined;
  range: string;
}

/** The numbers of the moment, and of the time that the charts show. */
export function Figures({ status, throughput, range }: FiguresProps) {
  const sum = (key: "completed" | "failed") => throughput?.buckets.reduce((total, bucket) => total + bucket[key], 0);
  const engines = status?.engines ?? [];
  const well = engines.filter((engine) => engine.status === "idle" || engine.status === "busy").length;
  return (
    <dl className={`panel ${classes.figures}`} style={{ margin: 0 }}>
      <Now status="running" label="Running" />
      <Now status="pending" label="Waiting" />
      <Figure icon={<StatusIcon status="completed" />} label={`Completed, ${range}`} value={sum("completed")} />
      <Figure icon={<StatusIcon status="failed" />} label={`Failed, ${range}`} value={sum("failed")} />
      <Figure
        icon={<StatusIcon status={status === undefined || status.status === "healthy" ? "completed" : "failed"} />}
        label="Engines that answer"
        value={status && `${well} of ${engines.length}`}
      />
    </dl>
  );
}

function Now({ status, label }: { status: ExecutionStatus; label: string }) {
  const { data } = useQuery(executionsQuery({ status }, LATELY));
  return (
    <Figure
      icon={<StatusIcon status={status} />}
      label={label}
      value={
        data && (
          <Link to="/executions" search={{ status }} aria-label={`${label}: ${data.total}`}>
            {data.total.toLocaleString()}
          </Link>
        )
      }
    />
  );
}

/** As many executions are shown of each kind; one query serves the number and the list. */
export const LATELY = 6;

function Figure({ icon, label, value }: { icon: ReactNode; label: string; value: ReactNode }) {
  return (
    <div className={classes.figure}>
      <dt>
        {icon}
        {label}
      </dt>
      <dd className="tabular">{typeof value === "number" ? value.toLocaleString() : (value ?? "–")}</dd>
    </div>
  );
}
