import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { listSearch } from "../../lib/listSearch";
import { appRoute } from "../../routes";

export const tokenRoutes = [
  createRoute({
    getParentRoute: () => appRoute,
    path: "/settings/tokens",
    validateSearch: (search: Record<string, unknown>) => listSearch(search, ["name", "created_at", "expires_at"]),
    component: lazyRouteComponent(() => import("./Tokens"), "Tokens"),
  }),
] as const;
