import type { ReactNode } from "react";
import type { StepDetail } from "../../../api/executions";
import { duration } from "../../../lib/time";
import { containerOf, limitsOf } from "./definition";
import classes from "./StepPanel.module.css";

/** What the step was told to do: its container with its limits, and the rules around it. */
export function Container({ detail }: { detail: StepDetail }) {
  const container = containerOf(detail);
  const { when, timeout_seconds, retry, retries } = detail.definition as Record<string, unknown>;
  const limits = limitsOf(container.resources);
  return (
    <section className={classes.section}>
      <h3>Container</h3>
      <dl className={classes.pairs}>
        <Pair label="Image">{container.image}</Pair>
        <Pair label="Command">{container.command?.join(" ")}</Pair>
        <Pair label="Arguments">{container.args?.join(" ")}</Pair>
        <Pair label="Limits">{limits || "none"}</Pair>
        <Pair label="Directory">{container.working_dir}</Pair>
        <Pair label="User">{container.user}</Pair>
        <Pair label="Network">{container.network}</Pair>
        <Pair label="Only if">{typeof when === "string" ? when : undefined}</Pair>
        <Pair label="Timeout">{typeof timeout_seconds === "number" ? duration(timeout_seconds * 1000) : undefined}</Pair>
        <Pair label="Retry">{retry ? JSON.stringify(retry) : typeof retries === "number" ? `${retries} times` : undefined}</Pair>
      </dl>
      {container.script && (
        <pre className={classes.script} tabIndex={0} aria-label="Script">
          {container.script}
        </pre>
      )}
    </section>
  );
}

function Pair({ label, children }: { label: string; children: ReactNode }) {
  if (children === undefined || children === "") return null;
  return (
    <>
      <dt>{label}</dt>
      <dd className={classes.code}>{children}</dd>
    </>
  );
}
