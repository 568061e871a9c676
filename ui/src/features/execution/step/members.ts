import type { GraphStep } from "../../../api/executions";

const FIRST: readonly GraphStep["status"][] = ["failed", "running", "cancelled", "pending", "completed", "skipped"];

/** The steps of a group whose name or status holds the words, what calls for a look first. */
export function ofMembers(steps: readonly GraphStep[], members: readonly string[], search: string): GraphStep[] {
  const own = new Set(members);
  const words = search.trim().toLowerCase();
  return steps
    .filter((step) => own.has(step.id))
    .filter(({ name, id, status }) => !words || status.startsWith(words) || `${name} ${id}`.toLowerCase().includes(words))
    .sort((a, b) => FIRST.indexOf(a.status) - FIRST.indexOf(b.status));
}
