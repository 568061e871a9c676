import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEvents } from "./events";
import { executionKeys } from "./executions";
import type { components } from "./schema";
import type { ServerEvent } from "./sse";

export interface LogLine {
  step: string;
  index: number;
  attempt: number;
  stream: components["schemas"]["Stream"];
  at: string;
  text: string;
}

/** The lines of an execution or of a step, as far as they have come. `lines` grows in place; `count` says how far. */
export interface Log {
  readonly lines: readonly LogLine[];
  readonly count: number;
  readonly last: string | undefined;
  readonly ended: boolean;
}

const EMPTY: Log = { lines: [], count: 0, last: undefined, ended: false };

function logQuery(id: string, step: string | undefined) {
  return queryOptions({
    queryKey: executionKeys.log(id, step),
    queryFn: ({ client, queryKey }) => client.getQueryData<Log>(queryKey) ?? { ...EMPTY, lines: [] },
    staleTime: Infinity,
    gcTime: 60_000,
    // A log of 100,000 lines is not to be compared line by line.
    structuralSharing: false,
  });
}

/** Adds lines to a log. The array is the same one: who reads it goes by `count`. */
export function append(log: Log, events: readonly ServerEvent[]): Log {
  const lines = log.lines as LogLine[];
  let ended = log.ended;
  for (const event of events) {
    if (event.type === "log") lines.push(JSON.parse(event.data) as LogLine);
    else if (event.type === "end") ended = true;
  }
  return { lines, count: lines.length, last: events.at(-1)?.id ?? log.last, ended };
}

/** Reads the log of an execution, or of one step, from the first line on, and follows it to its end. */
export function useLog(id: string, step: string | undefined): Log {
  const client = useQueryClient();
  const { data: log = EMPTY } = useQuery(logQuery(id, step));
  const path = `/dagger/executions/${id}/logs${step === undefined ? "" : `?step=${encodeURIComponent(step)}`}`;
  useEvents(log.ended ? undefined : path, log.last, (events) => {
    client.setQueryData<Log>(executionKeys.log(id, step), (known) => append(known ?? { ...EMPTY, lines: [] }, events));
  });
  return log;
}
