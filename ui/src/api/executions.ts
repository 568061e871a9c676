import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { type ListSearch, paging } from "../lib/listSearch";
import { api, unwrap } from "./client";
import type { components } from "./schema";

export type ExecutionStatus = components["schemas"]["ExecutionStatus"];

export const EXECUTION_STATUSES: readonly ExecutionStatus[] = ["pending", "running", "completed", "failed", "cancelled"];

export interface ExecutionsSearch extends ListSearch {
  status?: ExecutionStatus;
  workflow?: string;
  pipeline?: string;
}

export const executionKeys = {
  all: ["executions"] as const,
  lists: () => [...executionKeys.all, "list"] as const,
  list: (search: ExecutionsSearch) => [...executionKeys.lists(), search] as const,
  one: (id: string) => [...executionKeys.all, "one", id] as const,
};

/** A page of executions. It changes without an event that tells so, hence it is asked for now and then. */
export function executionsQuery(search: ExecutionsSearch) {
  const { status, workflow, pipeline } = search;
  const query = {
    ...paging(search),
    status,
    workflow_id: workflow,
    pipeline_id: pipeline,
  };
  return queryOptions({
    queryKey: executionKeys.list(search),
    queryFn: ({ signal }) => unwrap(api.GET("/dagger/executions", { params: { query }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 3_000,
  });
}

export function executionQuery(id: string) {
  return queryOptions({
    queryKey: executionKeys.one(id),
    queryFn: ({ signal }) =>
      unwrap(api.GET("/dagger/executions/{execution_id}", { params: { path: { execution_id: id } }, signal })),
  });
}
