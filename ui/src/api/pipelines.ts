import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { type ListSearch, paging } from "../lib/listSearch";
import { api, unwrap } from "./client";
import { executionKeys } from "./executions";
import type { components } from "./schema";

export type Pipeline = components["schemas"]["Pipeline"];
export type PipelineRequest = Partial<components["schemas"]["PipelineRequest"]>;
export type ExecutePipelineRequest = Partial<components["schemas"]["ExecutePipelineRequest"]>;

export interface PipelinesSearch extends ListSearch {
  name?: string | undefined;
}

export const pipelineKeys = {
  all: ["pipelines"] as const,
  lists: () => [...pipelineKeys.all, "list"] as const,
  list: (search: PipelinesSearch) => [...pipelineKeys.lists(), search] as const,
  one: (id: string) => [...pipelineKeys.all, "one", id] as const,
};

export function pipelinesQuery(search: PipelinesSearch) {
  const query = { ...paging(search), name: search.name };
  return queryOptions({
    queryKey: pipelineKeys.list(search),
    queryFn: ({ signal }) => unwrap(api.GET("/dagger/pipelines", { params: { query }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 10_000,
  });
}

export function pipelineQuery(id: string) {
  return queryOptions({
    queryKey: pipelineKeys.one(id),
    queryFn: ({ signal }) => unwrap(api.GET("/dagger/pipelines/{pipeline_id}", { params: at(id), signal })),
  });
}

export function createPipeline(request: PipelineRequest) {
  const body = request as components["schemas"]["PipelineRequest"];
  return unwrap(api.POST("/dagger/pipelines", { body }));
}

export function updatePipeline(id: string, changes: PipelineRequest) {
  const body = changes as components["schemas"]["PipelineChanges"];
  return unwrap(api.PATCH("/dagger/pipelines/{pipeline_id}", { params: at(id), body }));
}

export function deletePipeline(id: string) {
  return unwrap(api.DELETE("/dagger/pipelines/{pipeline_id}", { params: at(id) }));
}

/** Throws an `ApiError` with every fault of the document. */
export function validatePipeline(document: unknown) {
  const body = document as components["schemas"]["PipelineDocument"];
  return unwrap(api.POST("/dagger/pipelines/validate", { body }));
}

export function executePipeline(id: string, request: ExecutePipelineRequest) {
  const body = request as components["schemas"]["ExecutePipelineRequest"];
  return unwrap(api.POST("/dagger/pipelines/{pipeline_id}/execute", { params: at(id), body }));
}

/** Sends an archive (tar, compressed or not, or zip); its `source_directory` is what a pipeline names. */
export function uploadSource(archive: File) {
  return unwrap(
    api.POST("/dagger/sources", { body: archive as unknown as string, bodySerializer: (body: unknown) => body as File }),
  );
}

function at(id: string) {
  return { path: { pipeline_id: id } };
}

/** The newest executions of a pipeline, with their steps: those tell what came from the cache. */
export function pipelineExecutionsQuery(id: string, limit: number) {
  const params = { ...at(id), query: { limit } };
  return queryOptions({
    queryKey: [...executionKeys.lists(), "of pipeline", id, limit] as const,
    queryFn: ({ signal }) => unwrap(api.GET("/dagger/pipelines/{pipeline_id}/executions", { params, signal })),
    refetchInterval: 3_000,
  });
}

/** The files that an execution has handed out. It has ended, so they stay as they are. */
export function filesQuery(execution: string) {
  const params = { path: { execution_id: execution } };
  return queryOptions({
    queryKey: [...executionKeys.all, "files", execution] as const,
    queryFn: async ({ signal }) =>
      (await unwrap(api.GET("/dagger/executions/{execution_id}", { params, signal }))).artifacts ?? [],
    staleTime: Infinity,
  });
}
