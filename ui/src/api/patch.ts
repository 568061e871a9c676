import type { GraphStep, Graph } from "./executions";
import type { ServerEvent } from "./sse";
import { hasEnded } from "./status";

interface Change {
  seq: number;
  type: string;
  at: string;
  data: Partial<{
    step: string;
    attempt: number;
    status: GraphStep["status"];
    reason: NonNullable<GraphStep["reason"]>;
    error: string;
    exit_code: number;
    cached: boolean;
    code: NonNullable<GraphStep["waiting"]>["code"];
    detail: string;
  }>;
}

/** What is new of a graph, and of which steps. */
export interface Patched {
  graph: Graph;
  touched: ReadonlySet<string>;
  /** The execution itself has changed in a way that the events do not tell whole: ask for it again. */
  stale: boolean;
}

/** Applies state changes to a graph; those that it knows already change nothing. Untouched steps stay the same objects. */
export function patch(graph: Graph, events: readonly ServerEvent[]): Patched {
  const changes = events
    .filter((event) => event.type !== "end")
    .map((event) => JSON.parse(event.data) as Change)
    .filter((change) => change.seq > graph.last_event);
  if (changes.length === 0) return { graph, touched: new Set(), stale: false };
  const steps = new Map(graph.steps.map((step) => [step.id, step]));
  const touched = new Set<string>();
  let stale = false;
  for (const change of changes) {
    const { data } = change;
    const step = data.step === undefined ? undefined : steps.get(data.step);
    if (step) {
      steps.set(step.id, stepAfter(step, change));
      touched.add(step.id);
    } else stale = true;
  }
  if (stale || touched.size > 0) release(steps, touched);
  const last_event = changes.at(-1)?.seq ?? graph.last_event;
  return { graph: { ...graph, steps: [...steps.values()], last_event }, touched, stale };
}

function stepAfter(step: GraphStep, { type, at, data }: Change): GraphStep {
  const { waiting, reason, error, exit_code, ...known } = step;
  const said = {
    ...(data.reason && { reason: data.reason }),
    ...(data.error && { error: data.error }),
    ...(data.exit_code && { exit_code: data.exit_code }),
  };
  const attempt = data.attempt ?? step.attempt ?? 1;
  switch (type) {
    case "StepStarted":
      return { ...known, status: "running", started_at: step.started_at ?? at, ...(attempt > 1 && { attempt }) };
    case "StepRetried":
      return { ...known, ...said, status: "pending", waiting: { code: "retry_backoff", detail: data.detail ?? "" } };
    case "StepWaited":
      return { ...step, waiting: { code: data.code ?? "storage", detail: data.detail ?? "" } };
    case "StepFinished":
    case "StepSkipped": {
      const cached = data.cached && { cached: true };
      return { ...known, ...said, status: data.status ?? step.status, completed_at: at, ...cached };
    }
    default:
      return step;
  }
}

/** What waited for a step that has ended now waits for one fewer; the service's own words come with the next read. */
function release(steps: Map<string, GraphStep>, touched: ReadonlySet<string>): void {
  for (const step of steps.values()) {
    if (step.waiting?.code !== "dependency" || !step.depends_on.some((need) => touched.has(need))) continue;
    const missing = step.depends_on.filter((need) => !hasEnded(steps.get(need)?.status ?? "completed"));
    const { waiting, ...ready } = step;
    const detail = `waits for ${missing.slice(0, 5).join(", ")}${missing.length > 5 ? ` and ${missing.length - 5} more` : ""}`;
    if (detail === step.waiting.detail) continue;
    steps.set(step.id, missing.length === 0 ? ready : { ...step, waiting: { code: "dependency", detail } });
  }
}
