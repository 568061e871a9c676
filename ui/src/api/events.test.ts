import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ApiError } from "./errors";
import type { ServerEvent } from "./sse";

const service = vi.hoisted(() => ({ answers: [] as (() => Response)[], asked: [] as (string | null)[] }));

vi.mock("./client", () => ({
  authorised: (request: Request) => {
    service.asked.push(request.headers.get("Last-Event-ID"));
    const answer = service.answers.shift();
    return answer ? Promise.resolve(answer()) : Promise.reject(new Error("asked once too often"));
  },
}));
vi.mock("./connection", async (real) => ({
  ...(await real<typeof import("./connection")>()),
  connection: { lost: () => undefined },
}));

import { followEvents } from "./events";

const END = "event: end\ndata: {}\n\n";

function line(id: number): string {
  return `id: 1.${id}\nevent: log\ndata: {}\n\n`;
}

/** A stream of these texts, which then ends, breaks or falls silent. */
function streamed(texts: string[], then: "ends" | "breaks" | "is silent" = "ends"): () => Response {
  const chunks = texts.map((text) => new TextEncoder().encode(text));
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    const chunk = chunks.shift();
    if (chunk) controller.enqueue(chunk);
    else if (then === "ends") controller.close();
    else if (then === "breaks") controller.error(new TypeError("network error"));
    else return new Promise<void>(() => undefined);
    return undefined;
  };
  return () => new Response(new ReadableStream({ pull }, { highWaterMark: 0 }));
}

function refused(status: number): () => Response {
  return () => Response.json({ status, code: "some", message: "No", details: {} }, { status });
}

async function followed(...answers: (() => Response)[]): Promise<string[]> {
  service.answers = answers;
  const seen: ServerEvent[] = [];
  const stop = new AbortController();
  const done = followEvents("http://host/stream", { signal: stop.signal, onEvents: (events) => seen.push(...events) });
  const outcome = done.then(() => undefined, (error: unknown) => error);
  await vi.runAllTimersAsync();
  const error = await outcome;
  if (error instanceof Error) throw error;
  return seen.map((event) => (event.type === "end" ? "end" : event.id));
}

beforeEach(() => {
  service.asked = [];
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it("goes on behind the last event when the connection breaks or is closed before the end", async () => {
  const seen = await followed(
    streamed([line(1) + line(2), "id: 1.3\nevent: l"], "breaks"), streamed([line(3)]), streamed([line(4) + END]),
  );
  expect(seen).toEqual(["1.1", "1.2", "1.3", "1.4", "end"]);
  expect(service.asked).toEqual([null, "1.2", "1.3"]);
});

it.each([429, 500, 503])("asks again when the service answers %i for now", async (status) => {
  expect(await followed(streamed([line(1)], "breaks"), refused(status), streamed([line(2) + END]))).toEqual([
    "1.1", "1.2", "end",
  ]);
});

it("gives up a connection that has been silent for long", async () => {
  expect(await followed(streamed([line(1)], "is silent"), streamed([line(2) + END]))).toEqual(["1.1", "1.2", "end"]);
  expect(service.asked).toEqual([null, "1.1"]);
});

it("throws what the service refuses for good, and does not ask again", async () => {
  await expect(followed(refused(404))).rejects.toBeInstanceOf(ApiError);
  expect(service.asked).toEqual([null]);
});
