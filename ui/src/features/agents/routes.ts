import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { AGENT_STATUSES, type AgentsSearch } from "../../api/agents";
import { listSearch, oneOf, textOf } from "../../lib/listSearch";
import { appRoute } from "../../routes";

function validateSearch(search: Record<string, unknown>): AgentsSearch {
  return {
    ...listSearch(search, ["name", "created_at"]),
    status: oneOf(search.status, AGENT_STATUSES),
    name: textOf(search.name),
  };
}

export const agentRoutes = [
  createRoute({
    getParentRoute: () => appRoute,
    path: "/agents",
    validateSearch,
    component: lazyRouteComponent(() => import("./Agents"), "Agents"),
  }),
  createRoute({
    getParentRoute: () => appRoute,
    path: "/agents/$id",
    component: lazyRouteComponent(() => import("./Agent"), "Agent"),
  }),
] as const;
