import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { type ListSearch, paging } from "../lib/listSearch";
import { api, unwrap } from "./client";
import type { components } from "./schema";
import type { Role } from "./session";

export type User = components["schemas"]["User"];

export const userKeys = {
  all: ["users"] as const,
  list: (search: ListSearch) => [...userKeys.all, "list", search] as const,
};

export function usersQuery(search: ListSearch) {
  return queryOptions({
    queryKey: userKeys.list(search),
    queryFn: ({ signal }) => unwrap(api.GET("/auth/users", { params: { query: paging(search) }, signal })),
    placeholderData: keepPreviousData,
  });
}

export function createUser(body: components["schemas"]["UserRequest"]) {
  return unwrap(api.POST("/auth/users", { body }));
}

/** Changes what is given; the sign-ins of the user end with it. */
export function updateUser(username: string, change: { role: Role; password?: string }) {
  const body = change as components["schemas"]["UserChange"];
  return unwrap(api.PATCH("/auth/users/{username}", { params: { path: { username } }, body }));
}

export function deleteUser(username: string) {
  return unwrap(api.DELETE("/auth/users/{username}", { params: { path: { username } } }));
}
