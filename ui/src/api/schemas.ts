import { queryOptions } from "@tanstack/react-query";
import type { Schemas } from "../lib/schema";
import { Unreachable } from "./errors";

/** The shapes of the API's documents, from its own description. They change with the service only. */
export const schemasQuery = queryOptions({
  queryKey: ["schemas"] as const,
  queryFn: async ({ signal }): Promise<Schemas> => {
    const response = await fetch("/openapi.json", { signal });
    if (!response.ok) throw new Unreachable();
    return ((await response.json()) as { components: { schemas: Schemas } }).components.schemas;
  },
  staleTime: Infinity,
});
