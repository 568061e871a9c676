import { QueryClient } from "@tanstack/react-query";
import { connection } from "./connection";
import { ApiError } from "./errors";

/** The one cache of what the service has said. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      // What the service refuses it will refuse again; when it is away, `connection` tells when it is back.
      retry: (failures, error) => error instanceof ApiError && error.status >= 500 && failures < 2,
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

connection.onHealed(() => void queryClient.invalidateQueries());
