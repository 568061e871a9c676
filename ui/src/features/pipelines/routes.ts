import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import type { PipelinesSearch } from "../../api/pipelines";
import { listSearch, textOf } from "../../lib/listSearch";
import { appRoute } from "../../routes";

function validateSearch(search: Record<string, unknown>): PipelinesSearch {
  return { ...listSearch(search, ["name", "created_at", "updated_at"]), name: textOf(search.name) };
}

export const pipelineRoutes = [
  createRoute({
    getParentRoute: () => appRoute,
    path: "/pipelines",
    validateSearch,
    component: lazyRouteComponent(() => import("./Pipelines"), "Pipelines"),
  }),
  createRoute({
    getParentRoute: () => appRoute,
    path: "/pipelines/new",
    component: lazyRouteComponent(() => import("./NewPipeline"), "NewPipeline"),
  }),
  createRoute({
    getParentRoute: () => appRoute,
    path: "/pipelines/$id",
    component: lazyRouteComponent(() => import("./Pipeline"), "Pipeline"),
  }),
  createRoute({
    getParentRoute: () => appRoute,
    path: "/pipelines/$id/edit",
    component: lazyRouteComponent(() => import("./EditPipeline"), "EditPipeline"),
  }),
] as const;
