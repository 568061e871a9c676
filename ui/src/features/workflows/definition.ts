import type { Workflow } from "../../api/workflows";

const STATE: readonly string[] = ["id", "status", "created_at", "updated_at"];

/** What somebody has written of a workflow: fields that are null were taken out. */
export function definitionOf(workflow: Workflow): Record<string, unknown> {
  return Object.fromEntries(Object.entries(workflow).filter(([name, value]) => !STATE.includes(name) && value !== null));
}

/** What makes `after` of `before` when it is sent as changes: a field that is gone is null. */
export function changesTo(before: Record<string, unknown>, after: Record<string, unknown>): Record<string, unknown> {
  const gone = Object.keys(before).filter((name) => !(name in after));
  return { ...after, ...Object.fromEntries(gone.map((name) => [name, null])) };
}

/** Where somebody begins who has written none yet. */
export const FIRST: Record<string, unknown> = {
  name: "hello",
  inputs: { who: { type: "string", default: "world" } },
  steps: [
    {
      id: "greet",
      inputs: { who: "${inputs.who}" },
      container: { image: "busybox:1", script: 'echo "Hello, $INPUT_WHO!"\n' },
    },
  ],
};
