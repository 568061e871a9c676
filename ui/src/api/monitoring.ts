import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "./client";
import type { components } from "./schema";

export type Throughput = components["schemas"]["Throughput"];
export type ServiceStatus = components["schemas"]["Status"];

export const monitoringKeys = {
  all: ["monitoring"] as const,
  status: () => [...monitoringKeys.all, "status"] as const,
  throughput: (hours: number, buckets: number) => [...monitoringKeys.all, "throughput", hours, buckets] as const,
};

export function statusQuery() {
  return queryOptions({
    queryKey: monitoringKeys.status(),
    queryFn: ({ signal }) => unwrap(api.GET("/monitoring/dagger/status", { signal })),
    refetchInterval: 5_000,
  });
}

export function throughputQuery(hours: number, buckets: number) {
  return queryOptions({
    queryKey: monitoringKeys.throughput(hours, buckets),
    queryFn: ({ signal }) =>
      unwrap(api.GET("/monitoring/dagger/throughput", { params: { query: { hours, buckets } }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  });
}
