import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { type ListSearch, paging } from "../lib/listSearch";
import { api, unwrap } from "./client";
import type { components } from "./schema";

export type AuditItem = components["schemas"]["AuditItem"];
export type AuditAction = components["schemas"]["AuditAction"];

export interface AuditSearch extends ListSearch {
  actor?: string | undefined;
  target?: string | undefined;
}

export function auditQuery(search: AuditSearch) {
  const query = { ...paging(search), actor: search.actor, target: search.target };
  return queryOptions({
    queryKey: ["audit", search] as const,
    queryFn: ({ signal }) => unwrap(api.GET("/audit", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });
}
