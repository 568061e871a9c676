import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { appRoute } from "../../routes";

export const overviewRoutes = [
  createRoute({
    getParentRoute: () => appRoute,
    path: "/",
    component: lazyRouteComponent(() => import("./Overview"), "Overview"),
  }),
] as const;
