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

/** Writes a number with its word: `1 step`, `2 steps`. */
export function count(number: number, word: string): string {
  return `${number.toLocaleString()} ${word}${number === 1 ? "" : "s"}`;
}

/** The end of an id: enough to tell two apart on a page. */
export function shortId(id: string): string {
  return id.slice(-8);
}
