import { useSyncExternalStore } from "react";

const SECOND = 1_000;

let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const watchers = new Set<() => void>();

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  timer ??= setInterval(tick, SECOND);
  return () => {
    watchers.delete(watcher);
    if (watchers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function tick(): void {
  now = Date.now();
  watchers.forEach((watcher) => watcher());
}

/** The time, told each second: one timer for the whole page, and none while nobody asks. */
export function useNow(): number {
  return useSyncExternalStore(watch, () => now);
}
