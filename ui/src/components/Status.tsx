import {
  CheckCircleFillIcon,
  CircleSlashIcon,
  ClockIcon,
  type Icon,
  SkipIcon,
  XCircleFillIcon,
} from "@primer/octicons-react";
import type { StepStatus } from "../api/status";
import classes from "./Status.module.css";

const ICONS: Record<StepStatus, Icon | typeof Spinner> = {
  pending: ClockIcon,
  running: Spinner,
  completed: CheckCircleFillIcon,
  failed: XCircleFillIcon,
  cancelled: CircleSlashIcon,
  skipped: SkipIcon,
};

interface StatusProps {
  status: StepStatus;
  size?: number;
}

/** A status as a coloured sign with its word. */
export function Status({ status, size = 16 }: StatusProps) {
  return (
    <span className={classes.status} data-status={status}>
      <StatusIcon status={status} size={size} />
      {status}
    </span>
  );
}

/** The sign alone; whoever cannot see it is told the word unless something beside it tells it. */
export function StatusIcon({ status, size = 16, silent = true }: StatusProps & { silent?: boolean }) {
  const Sign = ICONS[status];
  return (
    <span className={classes.icon} data-status={status} {...(silent ? {} : { role: "img", "aria-label": status })}>
      <Sign size={size} />
    </span>
  );
}

function Spinner({ size }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" className={classes.spinner} aria-hidden>
      <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" strokeOpacity="0.25" strokeWidth="2.500" />
      <path d="M8 2a6 6 0 0 1 6 6" fill="none" stroke="currentColor" strokeWidth="2.500" strokeLinecap="round" />
    </svg>
  );
}
