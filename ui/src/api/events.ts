import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { authorised } from "./client";
import { connection, pause } from "./connection";
import { errorOf, passes, Unreachable } from "./errors";
import { EventParser, type ServerEvent } from "./sse";

const AGAIN_MS = 1_000;
const GATHER_MS = 100;
/** The service sends a comment every 15 seconds: a connection that is silent for so long is dead. */
const SILENCE_MS = 60_000;

interface Following {
  signal: AbortSignal;
  /** Go on behind the event with this id. */
  after?: string | undefined;
  onEvents: (events: ServerEvent[]) => void;
}

/**
 * Follows a stream of server-sent events to its `end`, over lost connections and a service that cannot answer now.
 * Throws what the service refuses with. (`EventSource` cannot show a token.)
 */
export async function followEvents(path: string, { signal, after, onEvents }: Following): Promise<void> {
  let last = after;
  for (;;) {
    try {
      const ended = await readOnce(path, signal, last, (events) => {
        last = events.at(-1)?.id ?? last;
        onEvents(events);
      });
      if (ended) return;
    } catch (error) {
      if (signal.aborted) return;
      if (!passes(error)) throw error;
      if (error instanceof Unreachable) connection.lost();
    }
    await pause(AGAIN_MS, signal);
    if (signal.aborted) return;
  }
}

async function readOnce(
  path: string,
  signal: AbortSignal,
  after: string | undefined,
  onEvents: (events: ServerEvent[]) => void,
): Promise<boolean> {
  const headers: Record<string, string> = { Accept: "text/event-stream" };
  if (after) headers["Last-Event-ID"] = after;
  const response = await authorised(new Request(path, { headers, signal }));
  if (!response.ok) throw errorOf(response.status, await response.json().catch(() => undefined));
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) return false;
  const parser = new EventParser();
  for (;;) {
    const chunk = await alive(reader);
    if (chunk.done) return false;
    const events = parser.push(chunk.value);
    if (events.length > 0) onEvents(events);
    if (events.some((event) => event.type === "end")) return true;
  }
}

/** Reads what comes next; gives the connection up, and throws `Unreachable`, if it breaks or nothing comes for long. */
async function alive(reader: ReadableStreamDefaultReader<string>): Promise<ReadableStreamReadResult<string>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Unreachable()), SILENCE_MS);
  });
  try {
    return await Promise.race([reader.read(), silence]);
  } catch {
    reader.cancel().catch(() => undefined);
    throw new Unreachable();
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Follows a stream while the component is there and `path` is given. `onEvents` is to patch the query cache and
 * nothing else: what is shown comes from queries.
 */
export function useEvents(path: string | undefined, after: string | undefined, onEvents: (e: ServerEvent[]) => void) {
  const client = useQueryClient();
  const start = useRef(after);
  const handler = useRef(onEvents);
  useEffect(() => {
    start.current = after;
    handler.current = onEvents;
  });
  useEffect(() => {
    if (path === undefined) return;
    const stop = new AbortController();
    const [gather, flush] = gathering((events) => handler.current(events));
    // A refusal (deleted meanwhile) is shown by the queries of the same thing, once they ask.
    followEvents(path, { signal: stop.signal, after: start.current, onEvents: gather }).catch(
      () => void client.invalidateQueries(),
    );
    return () => {
      stop.abort();
      flush();
    };
  }, [path, client]);
}

/** Hands on what comes within a moment at once, so that a thousand events cost one look at the page. */
function gathering(hand: (events: ServerEvent[]) => void): [(events: ServerEvent[]) => void, () => void] {
  let gathered: ServerEvent[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const events = gathered;
    gathered = [];
    if (events.length > 0) hand(events);
  };
  const gather = (events: ServerEvent[]) => {
    gathered.push(...events);
    timer ??= setTimeout(flush, GATHER_MS);
  };
  return [gather, flush];
}
