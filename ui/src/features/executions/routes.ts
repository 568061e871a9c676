import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { EXECUTION_STATUSES, type ExecutionsSearch } from "../../api/executions";
import { listSearch, oneOf } from "../../lib/listSearch";
import { appRoute } from "../../routes";

const SORTS = ["status", "created_at", "started_at", "completed_at"];

function validateSearch(search: Record<string, unknown>): ExecutionsSearch {
  const { status, workflow, pipeline } = search;
  return {
    ...listSearch(search, SORTS),
    status: oneOf(status, EXECUTION_STATUSES),
    workflow: typeof workflow === "string" ? workflow : undefined,
    pipeline: typeof pipeline === "string" ? pipeline : undefined,
  };
}

export const executionsRoutes = [
  createRoute({
    getParentRoute: () => appRoute,
    path: "/executions",
    validateSearch,
    component: lazyRouteComponent(() => import("./Executions"), "Executions"),
  }),
] as const;
