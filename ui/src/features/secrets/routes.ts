import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import type { SecretsSearch } from "../../api/secrets";
import { listSearch, textOf } from "../../lib/listSearch";
import { appRoute } from "../../routes";

function validateSearch(search: Record<string, unknown>): SecretsSearch {
  return { ...listSearch(search, ["name", "created_at", "updated_at"]), name: textOf(search.name) };
}

export const secretRoutes = [
  createRoute({
    getParentRoute: () => appRoute,
    path: "/settings/secrets",
    validateSearch,
    component: lazyRouteComponent(() => import("./Secrets"), "Secrets"),
  }),
] as const;
