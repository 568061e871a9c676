const WORDS: Record<string, string> = {
  agent_capacity: "agents full",
  agent_deleted: "agent deleted",
  dependency: "waiting",
  engine_lost: "engine lost",
  engine_unavailable: "engine away",
  execution_timeout: "timeout",
  exit_code: "exit code",
  image_pull: "image pull",
  no_agent: "no agent",
  oom_killed: "out of memory",
  output_invalid: "invalid output",
  output_missing: "missing output",
  retry_backoff: "retry",
  start_failed: "start failed",
  step_failed: "step failed",
  upstream_failed: "upstream failed",
  when_false: "condition false",
};

/** Writes a reason or a wait of the API for people; one that is not known yet is shown as it is. */
export function reasonWord(code: string): string {
  return WORDS[code] ?? code.replaceAll("_", " ");
}

interface Explained {
  status: string;
  reason?: string | undefined;
  waiting?: { code: string; detail: string } | undefined;
}

/** Says in a few words why a step waits, or did not complete; nothing if neither is the case. */
export function whyWord({ status, reason, waiting }: Explained): string | undefined {
  if (waiting) return waiting.code === "dependency" ? waiting.detail : reasonWord(waiting.code);
  return reason && ["failed", "skipped", "cancelled"].includes(status) ? reasonWord(reason) : undefined;
}

/** Writes a number with its word: `1 step`, `2 steps`. */
export function count(number: number, word: string): string {
  return `${number.toLocaleString()} ${word}${number === 1 ? "" : "s"}`;
}

const ID = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;
const DIGEST = /\b([0-9a-f]{12})[0-9a-f]{52}\b/g;

/** Writes a text with the ends of the ids in it, and the beginnings of the digests. */
export function shortIds(text: string): string {
  return text.replace(ID, shortId).replace(DIGEST, "$1");
}

/** The end of an id: enough to tell two apart on a page. */
export function shortId(id: string): string {
  return id.slice(-8);
}
