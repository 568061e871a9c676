import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { oneOf } from "../../lib/listSearch";
import { appRoute } from "../../routes";
import { RANGES, type RangeName } from "./ranges";

interface OverviewSearch {
  range?: RangeName | undefined;
}

export const overviewRoutes = [
  createRoute({
    getParentRoute: () => appRoute,
    path: "/",
    validateSearch: (search: Record<string, unknown>): OverviewSearch => ({
      range: oneOf(search.range, Object.keys(RANGES) as RangeName[]),
    }),
    component: lazyRouteComponent(() => import("./Overview"), "Overview"),
  }),
] as const;
