import { useSyncExternalStore } from "react";
import { errorOf, Unreachable } from "./errors";
import type { components } from "./schema";

export type Role = components["schemas"]["Role"];
type Granted = components["schemas"]["BrowserSession"];

/** `unknown`: not asked yet. `out` with `expired`: there was a session, and it has ended. */
export type SessionState =
  | { readonly status: "unknown" }
  | { readonly status: "out"; readonly expired: boolean }
  | { readonly status: "in"; readonly username: string; readonly role: Role };

const RANKS: readonly Role[] = ["viewer", "editor", "admin"];
const EARLY_MS = 20_000;
const NO_CONTENT = 204;

/**
 * Who is signed in. The access token lives in memory alone; the browser keeps a cookie that no script can read, for
 * which the service gives another one when this has expired.
 */
class Session {
  #state: SessionState = { status: "unknown" };
  #token = "";
  #renewAt = 0;
  #renewing: Promise<boolean> | undefined;
  readonly #watchers = new Set<() => void>();

  get state(): SessionState {
    return this.#state;
  }

  watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** Throws `ApiError` for a wrong password. */
  async signIn(username: string, password: string): Promise<void> {
    const response = await send("POST", "/auth/session", new URLSearchParams({ username, password }));
    this.#grant((await response.json()) as Granted);
  }

  async signOut(): Promise<void> {
    await send("DELETE", "/auth/session").catch(() => undefined);
    this.#end(false);
  }

  /** Takes up the session that the browser's cookie stands for; tells whether there is one. */
  async resume(): Promise<boolean> {
    if (this.#state.status === "unknown") await this.renew();
    return this.#state.status === "in";
  }

  /** Returns a token that holds for a while yet; an empty one if nobody is signed in. */
  async token(): Promise<string> {
    if (this.#state.status === "in" && Date.now() >= this.#renewAt) await this.renew();
    return this.#token;
  }

  /** Asks for another access token; tells whether it was given. Throws `Unreachable`. */
  renew(): Promise<boolean> {
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  async #renew(): Promise<boolean> {
    const response = await send("POST", "/auth/session/token");
    if (response.status !== NO_CONTENT) {
      this.#grant((await response.json()) as Granted);
      return true;
    }
    this.#end(this.#state.status === "in");
    return false;
  }

  #grant(granted: Granted): void {
    this.#token = granted.access_token;
    const life = granted.expires_in * 1000;
    this.#renewAt = Date.now() + Math.max(life - EARLY_MS, life / 2);
    const { username, role } = granted;
    if (this.#state.status === "in" && this.#state.username === username && this.#state.role === role) return;
    this.#set({ status: "in", username, role });
  }

  #end(expired: boolean): void {
    this.#token = "";
    this.#set({ status: "out", expired });
  }

  #set(state: SessionState): void {
    this.#state = state;
    this.#watchers.forEach((watcher) => watcher());
  }
}

async function send(method: string, path: string, body?: URLSearchParams): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { method, ...(body ? { body } : {}) });
  } catch {
    throw new Unreachable();
  }
  if (!response.ok) throw errorOf(response.status, await response.json().catch(() => undefined));
  return response;
}

export const session = new Session();

export function useSession(): SessionState {
  return useSyncExternalStore(session.watch, () => session.state);
}

/** Tells whether whoever is signed in may do what is for this role. */
export function useMay(role: Role): boolean {
  const state = useSession();
  return state.status === "in" && RANKS.indexOf(state.role) >= RANKS.indexOf(role);
}
