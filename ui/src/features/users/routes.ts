import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { listSearch } from "../../lib/listSearch";
import { appRoute } from "../../routes";

export const userRoutes = [
  createRoute({
    getParentRoute: () => appRoute,
    path: "/settings/users",
    validateSearch: (search: Record<string, unknown>) => listSearch(search, ["username", "role", "created_at"]),
    component: lazyRouteComponent(() => import("./Users"), "Users"),
  }),
] as const;
