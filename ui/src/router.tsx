import { createRouter } from "@tanstack/react-router";
import { queryClient } from "./api/queryClient";
import { session } from "./api/session";
import { Failed, NotFound, Pending } from "./components/Outcomes";
import { agentRoutes } from "./features/agents/routes";
import { auditRoutes } from "./features/audit/routes";
import { executionRoutes } from "./features/execution/routes";
import { executionsRoutes } from "./features/executions/routes";
import { overviewRoutes } from "./features/overview/routes";
import { pipelineRoutes } from "./features/pipelines/routes";
import { secretRoutes } from "./features/secrets/routes";
import { signInRoute } from "./features/sign-in/routes";
import { tokenRoutes } from "./features/tokens/routes";
import { userRoutes } from "./features/users/routes";
import { workflowRoutes } from "./features/workflows/routes";
import { appRoute, rootRoute } from "./routes";

const routeTree = rootRoute.addChildren([
  signInRoute,
  appRoute.addChildren([...overviewRoutes, ...executionsRoutes, ...executionRoutes, ...workflowRoutes, ...pipelineRoutes, ...agentRoutes, ...tokenRoutes, ...userRoutes, ...secretRoutes, ...auditRoutes]),
]);

export const router = createRouter({
  routeTree,
  context: { queryClient },
  defaultPreload: "intent",
  // Queries know by themselves what is fresh.
  defaultPreloadStaleTime: 0,
  defaultPendingComponent: Pending,
  defaultErrorComponent: Failed,
  defaultNotFoundComponent: NotFound,
  defaultPendingMs: 150,
  scrollRestoration: true,
});

// A session that ends while a page is open leads to the sign-in, and from there back to the page.
let wasIn = false;
session.watch(() => {
  const isIn = session.state.status === "in";
  if (wasIn && !isIn) {
    queryClient.clear();
    void router.invalidate();
  }
  wasIn = isIn;
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
