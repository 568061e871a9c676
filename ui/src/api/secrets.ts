import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { type ListSearch, paging } from "../lib/listSearch";
import { api, unwrap } from "./client";
import type { components } from "./schema";

export type Secret = components["schemas"]["Secret"];

export interface SecretsSearch extends ListSearch {
  name?: string | undefined;
}

export const secretKeys = {
  all: ["secrets"] as const,
  list: (search: SecretsSearch) => [...secretKeys.all, "list", search] as const,
};

export function secretsQuery(search: SecretsSearch) {
  const query = { ...paging(search), name: search.name };
  return queryOptions({
    queryKey: secretKeys.list(search),
    queryFn: ({ signal }) => unwrap(api.GET("/secrets", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** Stores a secret, or replaces its value. */
export function putSecret(name: string, body: components["schemas"]["SecretRequest"]) {
  return unwrap(api.PUT("/secrets/{name}", { params: { path: { name } }, body }));
}

export function deleteSecret(name: string) {
  return unwrap(api.DELETE("/secrets/{name}", { params: { path: { name } } }));
}
