import type { GraphStep } from "../../api/executions";
import type { Counts } from "../../components/StepProgress";

export function countsOf(steps: readonly GraphStep[]): Counts {
  const counts: Counts = { pending: 0, running: 0, completed: 0, failed: 0, cancelled: 0, skipped: 0 };
  for (const { status } of steps) counts[status] += 1;
  return counts;
}

/** One status for many steps: the one that calls for a look. */
export function summaryOf(steps: readonly GraphStep[]): GraphStep["status"] {
  const counts = countsOf(steps);
  if (counts.failed > 0) return "failed";
  if (counts.running > 0) return "running";
  if (counts.cancelled > 0) return "cancelled";
  // Some have ended and others not: between two turns.
  if (counts.pending > 0) return counts.pending === steps.length ? "pending" : "running";
  return counts.completed > 0 ? "completed" : "skipped";
}
