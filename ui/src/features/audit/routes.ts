import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import type { AuditSearch } from "../../api/audit";
import { listSearch, textOf } from "../../lib/listSearch";
import { appRoute } from "../../routes";

function validateSearch(search: Record<string, unknown>): AuditSearch {
  return { ...listSearch(search, ["at"]), actor: textOf(search.actor), target: textOf(search.target) };
}

export const auditRoutes = [
  createRoute({
    getParentRoute: () => appRoute,
    path: "/settings/audit",
    validateSearch,
    component: lazyRouteComponent(() => import("./Audit"), "Audit"),
  }),
] as const;
