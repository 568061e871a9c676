import { useSyncExternalStore } from "react";

const PAUSES = [500, 1000, 2000, 4000];

/**
 * Whether the service answers. Whoever finds that it does not says `lost()`; from then on it is asked until it is
 * back, and all who wait for that are told.
 */
class Connection {
  #lost = false;
  readonly #watchers = new Set<() => void>();
  readonly #healed = new Set<() => void>();

  get isLost(): boolean {
    return this.#lost;
  }

  watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** Calls back each time that the connection is there again. */
  onHealed(callback: () => void): () => void {
    this.#healed.add(callback);
    return () => this.#healed.delete(callback);
  }

  lost(): void {
    if (this.#lost) return;
    this.#set(true);
    void this.#probe();
  }

  async #probe(): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      await pause(PAUSES[Math.min(tries, PAUSES.length - 1)] ?? 0);
      if (await answers()) break;
    }
    this.#set(false);
    this.#healed.forEach((callback) => callback());
  }

  #set(lost: boolean): void {
    this.#lost = lost;
    this.#watchers.forEach((watcher) => watcher());
  }
}

async function answers(): Promise<boolean> {
  try {
    return (await fetch("/healthz", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

export const connection = new Connection();

export function useConnectionLost(): boolean {
  return useSyncExternalStore(connection.watch, () => connection.isLost);
}

/** Waits; ends early, without an error, if the signal says so. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
