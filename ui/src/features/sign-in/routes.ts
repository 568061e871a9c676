import { createRoute, redirect } from "@tanstack/react-router";
import { session } from "../../api/session";
import { rootRoute } from "../../routes";
import { SignIn } from "./SignIn";

interface SignInSearch {
  /** The page to go to afterwards, on this site. */
  next?: string | undefined;
}

export const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sign-in",
  component: SignIn,
  // Said also where it is undefined: what is not said is kept as it stands in the address.
  validateSearch: ({ next }: Record<string, unknown>): SignInSearch => ({
    next: typeof next === "string" && isLocal(next) ? next : undefined,
  }),
  beforeLoad: async ({ search }) => {
    if (await session.resume()) throw redirect({ href: search.next ?? "/" });
  },
});

/** Tells whether an address leads to this site, however it is written. */
function isLocal(href: string): boolean {
  return href.startsWith("/") && new URL(href, window.location.origin).origin === window.location.origin;
}
