import { AlertFillIcon, CheckCircleFillIcon, CircleSlashIcon, type Icon, PulseIcon } from "@primer/octicons-react";
import type { AgentStatus } from "../../api/agents";
import classes from "./AgentHealth.module.css";

const SIGNS: Record<AgentStatus, [Icon, string]> = {
  idle: [CheckCircleFillIcon, "completed"],
  busy: [PulseIcon, "running"],
  offline: [CircleSlashIcon, "failed"],
  error: [AlertFillIcon, "failed"],
};

/** Whether an agent works, as a coloured sign with its word. */
export function AgentHealth({ status }: { status: AgentStatus }) {
  const [Sign, colour] = SIGNS[status];
  return (
    <span className={classes.health} style={{ color: `var(--status-${colour})` }}>
      <Sign size={16} />
      {status}
    </span>
  );
}
