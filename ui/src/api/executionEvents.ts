import { useQueryClient } from "@tanstack/react-query";
import { useEvents } from "./events";
import { executionKeys, type Graph } from "./executions";
import { patch } from "./patch";
import { hasEnded } from "./status";

/** Keeps what the cache holds of an execution true while it runs. */
export function useExecutionEvents(graph: Graph | undefined): void {
  const client = useQueryClient();
  const id = graph?.id ?? "";
  const live = graph !== undefined && !hasEnded(graph.status);
  useEvents(live ? `/dagger/executions/${id}/events` : undefined, String(graph?.last_event ?? 0), (events) => {
    const known = client.getQueryData<Graph>(executionKeys.graph(id));
    if (known === undefined) return;
    const { graph: next, touched, stale } = patch(known, events);
    client.setQueryData(executionKeys.graph(id), next);
    for (const step of touched) void client.invalidateQueries({ queryKey: executionKeys.step(id, step) });
    if (stale || events.some((event) => event.type === "end")) {
      void client.invalidateQueries({ queryKey: executionKeys.graph(id) });
    }
  });
}
