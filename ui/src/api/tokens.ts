import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { type ListSearch, paging } from "../lib/listSearch";
import { api, unwrap } from "./client";
import type { components } from "./schema";

export type ApiToken = components["schemas"]["ApiToken"];
export type NewApiToken = components["schemas"]["NewApiToken"];

export const tokenKeys = {
  all: ["tokens"] as const,
  list: (search: ListSearch) => [...tokenKeys.all, "list", search] as const,
};

/** The tokens of whoever is signed in. */
export function tokensQuery(search: ListSearch) {
  return queryOptions({
    queryKey: tokenKeys.list(search),
    queryFn: ({ signal }) => unwrap(api.GET("/auth/tokens", { params: { query: paging(search) }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** The answer holds the token, which nobody can see again. */
export function createToken(body: components["schemas"]["ApiTokenRequest"]) {
  return unwrap(api.POST("/auth/tokens", { body }));
}

export function revokeToken(id: string) {
  return unwrap(api.DELETE("/auth/tokens/{token_id}", { params: { path: { token_id: id } } }));
}
