import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { appRoute } from "../../routes";

export const executionRoutes = [
  createRoute({
    getParentRoute: () => appRoute,
    path: "/executions/$id",
    component: lazyRouteComponent(() => import("./Execution"), "Execution"),
  }),
] as const;
