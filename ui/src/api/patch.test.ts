import { expect, it } from "vitest";
import { patch } from "./patch";
import type { Graph, GraphStep } from "./executions";
import type { ServerEvent } from "./sse";

const AT = "2026-01-01T00:00:05Z";

function step(id: string, changes: Partial<GraphStep> = {}): GraphStep {
  return { id, name: id, status: "pending", started_at: null, completed_at: null, depends_on: [], ...changes };
}

const GRAPH: Graph = {
  id: "e", workflow_id: "w", name: "n", status: "running", created_at: AT, started_at: AT, completed_at: null,
  inputs: {}, outputs: {}, last_event: 2,
  steps: [
    step("a"),
    step("b", { depends_on: ["a"], waiting: { code: "dependency", detail: "waits for a" } }),
    step("c", { depends_on: ["a", "b"], waiting: { code: "dependency", detail: "waits for a, b" } }),
  ],
};

function event(seq: number, type: string, data: Record<string, unknown>): ServerEvent {
  return { id: String(seq), type, data: JSON.stringify({ seq, type, at: AT, data }) };
}

function after(...events: ServerEvent[]): GraphStep[] {
  return patch(GRAPH, events).graph.steps;
}

it("follows a step from its start over a retry to its end", () => {
  const started = event(3, "StepStarted", { step: "a", attempt: 1 });
  expect(after(started)[0]).toMatchObject({ status: "running", started_at: AT });
  const retried = event(4, "StepRetried", { step: "a", reason: "exit_code", error: "exit code 3", detail: "in 5 s" });
  expect(after(started, retried)[0]).toMatchObject({
    status: "pending", reason: "exit_code", error: "exit code 3", waiting: { code: "retry_backoff", detail: "in 5 s" },
  });
  const again = event(5, "StepStarted", { step: "a", attempt: 2 });
  const second = after(started, retried, again)[0];
  expect(second).toMatchObject({ status: "running", attempt: 2 });
  expect(second).not.toHaveProperty("error");
  expect(second).not.toHaveProperty("waiting");
  const ended = event(6, "StepFinished", { step: "a", status: "failed", reason: "timeout", error: "too long", exit_code: 137 });
  expect(after(started, retried, again, ended)[0]).toMatchObject({
    status: "failed", completed_at: AT, reason: "timeout", error: "too long", exit_code: 137,
  });
});

it("says of what waited for a step what it waits for now", () => {
  const steps = after(event(3, "StepFinished", { step: "a", status: "completed" }));
  expect(steps[1]).not.toHaveProperty("waiting");
  expect(steps[2]?.waiting?.detail).toBe("waits for b");
});

it("changes nothing for what it knows, and leaves untouched steps the same objects", () => {
  const known = patch(GRAPH, [event(2, "StepStarted", { step: "a" })]);
  expect(known.graph).toBe(GRAPH);
  const patched = patch(GRAPH, [event(3, "StepStarted", { step: "a", attempt: 1 })]);
  expect([...patched.touched]).toEqual(["a"]);
  expect(patched.graph.steps[2]).toBe(GRAPH.steps[2]);
  expect([patched.graph.last_event, patched.stale]).toEqual([3, false]);
});

it("asks for the execution again when it has changed itself", () => {
  expect(patch(GRAPH, [event(3, "ExecutionFinished", { status: "completed" })]).stale).toBe(true);
  expect(patch(GRAPH, [{ id: "3", type: "end", data: "{}" }])).toMatchObject({ graph: GRAPH, stale: false });
});

it("knows a result that comes from the cache, and a step that is skipped", () => {
  expect(after(event(3, "StepFinished", { step: "a", status: "completed", cached: true }))[0]?.cached).toBe(true);
  expect(after(event(3, "StepSkipped", { step: "a", status: "skipped", reason: "when_false" }))[0]).toMatchObject({
    status: "skipped", reason: "when_false",
  });
});
