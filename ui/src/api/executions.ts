import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { type ListSearch, paging } from "../lib/listSearch";
import { api, unwrap } from "./client";
import type { components } from "./schema";
import { hasEnded } from "./status";

export type ExecutionStatus = components["schemas"]["ExecutionStatus"];
export type Glance = components["schemas"]["Glance"];
export type Graph = components["schemas"]["ExecutionGraph"];
export type GraphStep = components["schemas"]["GraphStep"];
/** A file, or a directory as an archive, that an execution of a pipeline hands out. */
export type Artifact = components["schemas"]["Artifact"];
export type StepDetail = components["schemas"]["StepDetail"];

export const EXECUTION_STATUSES: readonly ExecutionStatus[] = ["pending", "running", "completed", "failed", "cancelled"];

export interface ExecutionsSearch extends ListSearch {
  status?: ExecutionStatus | undefined;
  workflow?: string | undefined;
  pipeline?: string | undefined;
}

export const executionKeys = {
  all: ["executions"] as const,
  lists: () => [...executionKeys.all, "list"] as const,
  list: (search: ExecutionsSearch, limit?: number) => [...executionKeys.lists(), search, limit] as const,
  graph: (id: string) => [...executionKeys.all, "graph", id] as const,
  step: (id: string, step: string) => [...executionKeys.all, "step", id, step] as const,
  cache: (id: string, step: string) => [...executionKeys.all, "cache", id, step] as const,
  log: (id: string, step: string | undefined) => [...executionKeys.all, "log", id, step] as const,
};

/** A page of executions. No event tells of a change of the list, hence it is asked for now and then. */
export function executionsQuery(search: ExecutionsSearch, limit?: number) {
  const query = {
    ...paging(search),
    ...(limit === undefined ? {} : { limit }),
    status: search.status,
    workflow_id: search.workflow,
    pipeline_id: search.pipeline,
  };
  return queryOptions({
    queryKey: executionKeys.list(search, limit),
    queryFn: ({ signal }) => unwrap(api.GET("/monitoring/dagger/executions", { params: { query }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 3_000,
  });
}

/** An execution with its steps. While it runs, `useExecutionEvents` keeps it true; hence it does not grow old. */
export function graphQuery(id: string) {
  return queryOptions({
    queryKey: executionKeys.graph(id),
    queryFn: ({ signal }) =>
      unwrap(api.GET("/dagger/executions/{execution_id}/graph", { params: { path: { execution_id: id } }, signal })),
    staleTime: (query) => (query.state.data && hasEnded(query.state.data.status) ? Infinity : 0),
  });
}

export function stepQuery(id: string, step: string) {
  const path = { execution_id: id, step };
  return queryOptions({
    queryKey: executionKeys.step(id, step),
    queryFn: ({ signal }) =>
      unwrap(api.GET("/dagger/executions/{execution_id}/steps/{step}", { params: { path }, signal })),
  });
}

/** What the cache was for a step of a pipeline. */
export function cacheQuery(id: string, step: string) {
  const path = { execution_id: id, step };
  return queryOptions({
    queryKey: executionKeys.cache(id, step),
    queryFn: ({ signal }) =>
      unwrap(api.GET("/dagger/executions/{execution_id}/steps/{step}/cache", { params: { path }, signal })),
  });
}

/** Where an artifact is downloaded, and what it is called then. */
export function fileOf(execution: string, { name, kind }: Artifact): { path: string; name: string } {
  return {
    path: `/dagger/executions/${execution}/outputs/${encodeURIComponent(name)}`,
    name: kind === "file" ? name : `${name}.tar.gz`,
  };
}

export function cancelExecution(id: string): Promise<unknown> {
  return unwrap(api.DELETE("/dagger/executions/{execution_id}", { params: { path: { execution_id: id } } }));
}

/** Executes the same workflow or pipeline, as it is now, with the same inputs; returns the new execution's id. */
export async function executeAgain({ workflow_id, pipeline_id, inputs }: Graph): Promise<string> {
  if (workflow_id) {
    const params = { path: { workflow_id } };
    const call = api.POST("/dagger/workflows/{workflow_id}/execute", { params, body: { inputs } });
    return (await unwrap(call)).execution_id;
  }
  const params = { path: { pipeline_id: pipeline_id ?? "" } };
  const call = api.POST("/dagger/pipelines/{pipeline_id}/execute", { params, body: { inputs } });
  return (await unwrap(call)).execution_id;
}
