import { useBlocker } from "@tanstack/react-router";

/** Asks who leaves a page with something `unsaved`; a navigation with `ignoreBlocker` leaves without. */
export function useUnsaved(unsaved: boolean): void {
  useBlocker({
    shouldBlockFn: () => unsaved && !window.confirm("Leave without saving what you have written?"),
    enableBeforeUnload: () => unsaved,
  });
}
