import { createContext } from "react";
import type { GraphStep } from "../../../api/executions";

/** What changes of a graph while its nodes stay where they are. */
interface Shown {
  steps: ReadonlyMap<string, GraphStep>;
  /** The node that is selected. */
  chosen: string | undefined;
  onSelect: (chosen: { step?: string; group?: string }) => void;
}

/** Nodes read it themselves: React Flow would take all of them up anew for each step that changes. */
export const ShownContext = createContext<Shown>({ steps: new Map(), chosen: undefined, onSelect: () => undefined });
