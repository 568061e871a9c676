import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { type ListSearch, paging } from "../lib/listSearch";
import { api, unwrap } from "./client";
import type { components } from "./schema";

export type Agent = components["schemas"]["Agent"];
export type AgentItem = components["schemas"]["AgentItem"];
/** What an agent is told to be; what is left out is as the service has it. */
export type AgentRequest = Partial<Omit<components["schemas"]["AgentRequest"], "engine">> & {
  name: string;
  engine?: Pick<components["schemas"]["EngineBody"], "type"> & Partial<components["schemas"]["EngineBody"]>;
};
export type AgentStatus = components["schemas"]["AgentStatus"];

export const AGENT_STATUSES: readonly AgentStatus[] = ["idle", "busy", "offline", "error"];

export interface AgentsSearch extends ListSearch {
  status?: AgentStatus | undefined;
  name?: string | undefined;
}

export const agentKeys = {
  all: ["agents"] as const,
  lists: () => [...agentKeys.all, "list"] as const,
  list: (search: AgentsSearch) => [...agentKeys.lists(), search] as const,
  one: (id: string) => [...agentKeys.all, "one", id] as const,
};

/** A page of agents. Load and health change without an event that tells so, hence they are asked for now and then. */
export function agentsQuery(search: AgentsSearch) {
  const query = { ...paging(search), status: search.status, name: search.name };
  return queryOptions({
    queryKey: agentKeys.list(search),
    queryFn: ({ signal }) => unwrap(api.GET("/dagger/agents", { params: { query }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 3_000,
  });
}

export function agentQuery(id: string) {
  return queryOptions({
    queryKey: agentKeys.one(id),
    queryFn: ({ signal }) => unwrap(api.GET("/dagger/agents/{agent_id}", { params: at(id), signal })),
    refetchInterval: 3_000,
  });
}

export function createAgent(body: AgentRequest) {
  return unwrap(api.POST("/dagger/agents", { body }));
}

export function updateAgent(id: string, change: Partial<AgentRequest>) {
  const body = change as components["schemas"]["AgentChange"];
  return unwrap(api.PATCH("/dagger/agents/{agent_id}", { params: at(id), body }));
}

/** With `force` also while executions are on it, which fail. */
export function deleteAgent(id: string, force: boolean) {
  const query = force ? { force } : {};
  return unwrap(api.DELETE("/dagger/agents/{agent_id}", { params: { ...at(id), query } }));
}

function at(id: string) {
  return { path: { agent_id: id } };
}
