import type { components } from "./schema";

/** Of steps; those of executions are among them. */
export type StepStatus = components["schemas"]["StepStatus"];

/** Whether nothing will change any more. */
export function hasEnded(status: StepStatus): boolean {
  return status !== "pending" && status !== "running";
}
