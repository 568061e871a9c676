import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { graphQuery } from "../../api/executions";
import { oneOf } from "../../lib/listSearch";
import { appRoute } from "../../routes";

export const VIEWS = ["graph", "timeline", "log", "values"] as const;
export type View = (typeof VIEWS)[number];

export interface ExecutionSearch {
  view?: View | undefined;
  /** The step whose details are shown. */
  step?: string | undefined;
  /** The group whose members are listed: the id of its first. */
  group?: string | undefined;
  /** Whether steps that are alike are shown as one; by default if there are many. */
  fold?: boolean | undefined;
}

function text(value: unknown): string | undefined {
  // A router that finds a number in the address gives a number, which an id may look like.
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

export const executionRoutes = [
  createRoute({
    getParentRoute: () => appRoute,
    path: "/executions/$id",
    validateSearch: ({ view, step, group, fold }: Record<string, unknown>): ExecutionSearch => ({
      view: oneOf(view, VIEWS),
      step: text(step),
      group: text(group),
      fold: typeof fold === "boolean" ? fold : undefined,
    }),
    // The page itself says what went wrong.
    loader: ({ context, params }) => void context.queryClient.query(graphQuery(params.id)).catch(() => undefined),
    component: lazyRouteComponent(() => import("./Execution"), "Execution"),
  }),
] as const;
