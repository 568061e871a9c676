import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { type ListSearch, paging } from "../lib/listSearch";
import { api, unwrap } from "./client";
import { type ExecutionStatus } from "./executions";
import type { components } from "./schema";

export type Workflow = components["schemas"]["Workflow"];
export type WorkflowDocument = components["schemas"]["WorkflowDocument"];
export type ExecuteRequest = Partial<components["schemas"]["ExecuteRequest"]>;

export interface WorkflowsSearch extends ListSearch {
  status?: ExecutionStatus | undefined;
  name?: string | undefined;
}

export const workflowKeys = {
  all: ["workflows"] as const,
  lists: () => [...workflowKeys.all, "list"] as const,
  list: (search: WorkflowsSearch) => [...workflowKeys.lists(), search] as const,
  one: (id: string) => [...workflowKeys.all, "one", id] as const,
};

/** A page of workflows. Their status changes without an event that tells so, hence it is asked for now and then. */
export function workflowsQuery(search: WorkflowsSearch) {
  const query = { ...paging(search), status: search.status, name: search.name };
  return queryOptions({
    queryKey: workflowKeys.list(search),
    queryFn: ({ signal }) => unwrap(api.GET("/dagger/workflows", { params: { query }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 5_000,
  });
}

export function workflowQuery(id: string) {
  return queryOptions({
    queryKey: workflowKeys.one(id),
    queryFn: ({ signal }) => unwrap(api.GET("/dagger/workflows/{workflow_id}", { params: at(id), signal })),
  });
}

export function createWorkflow(document: unknown) {
  return unwrap(api.POST("/dagger/workflows", { body: document as WorkflowDocument }));
}

/** Changes the fields that are given; the others stay. */
export function updateWorkflow(id: string, changes: unknown) {
  const body = changes as components["schemas"]["WorkflowChanges"];
  return unwrap(api.PATCH("/dagger/workflows/{workflow_id}", { params: at(id), body }));
}

export function deleteWorkflow(id: string) {
  return unwrap(api.DELETE("/dagger/workflows/{workflow_id}", { params: at(id) }));
}

/** Throws an `ApiError` with every fault of the document. */
export function validateWorkflow(document: unknown, signal?: AbortSignal) {
  return unwrap(api.POST("/dagger/workflows/validate", { body: document as WorkflowDocument, signal: signal ?? null }));
}

export function executeWorkflow(id: string, request: ExecuteRequest) {
  const body = request as components["schemas"]["ExecuteRequest"];
  return unwrap(api.POST("/dagger/workflows/{workflow_id}/execute", { params: at(id), body }));
}

function at(id: string) {
  return { path: { workflow_id: id } };
}

export function versionsQuery(id: string) {
  const params = { ...at(id), query: { limit: 1000 } };
  return queryOptions({
    queryKey: [...workflowKeys.one(id), "versions"] as const,
    queryFn: ({ signal }) => unwrap(api.GET("/dagger/workflows/{workflow_id}/versions", { params, signal })),
  });
}

/** A version never changes. */
export function versionQuery(id: string, number: number) {
  const path = { workflow_id: id, number: String(number) };
  return queryOptions({
    queryKey: [...workflowKeys.one(id), "version", number] as const,
    queryFn: ({ signal }) =>
      unwrap(api.GET("/dagger/workflows/{workflow_id}/versions/{number}", { params: { path }, signal })),
    staleTime: Infinity,
  });
}
