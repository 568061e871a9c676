import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { EXECUTION_STATUSES } from "../../api/executions";
import type { WorkflowsSearch } from "../../api/workflows";
import { countOf, listSearch, oneOf, textOf } from "../../lib/listSearch";
import { appRoute } from "../../routes";

function validateSearch(search: Record<string, unknown>): WorkflowsSearch {
  return {
    ...listSearch(search, ["name", "status", "created_at", "updated_at"]),
    status: oneOf(search.status, EXECUTION_STATUSES),
    name: textOf(search.name),
  };
}

interface VersionsSearch {
  version?: number | undefined;
  /** The one that it is compared with; the one before it by default. */
  before?: number | undefined;
}

function validateVersions({ version, before }: Record<string, unknown>): VersionsSearch {
  return { version: countOf(version), before: countOf(before) };
}

export const workflowRoutes = [
  createRoute({
    getParentRoute: () => appRoute,
    path: "/workflows",
    validateSearch,
    component: lazyRouteComponent(() => import("./Workflows"), "Workflows"),
  }),
  createRoute({
    getParentRoute: () => appRoute,
    path: "/workflows/new",
    component: lazyRouteComponent(() => import("./NewWorkflow"), "NewWorkflow"),
  }),
  createRoute({
    getParentRoute: () => appRoute,
    path: "/workflows/$id",
    component: lazyRouteComponent(() => import("./Workflow"), "Workflow"),
  }),
  createRoute({
    getParentRoute: () => appRoute,
    path: "/workflows/$id/edit",
    component: lazyRouteComponent(() => import("./EditWorkflow"), "EditWorkflow"),
  }),
  createRoute({
    getParentRoute: () => appRoute,
    path: "/workflows/$id/versions",
    validateSearch: validateVersions,
    component: lazyRouteComponent(() => import("./Versions"), "Versions"),
  }),
] as const;
