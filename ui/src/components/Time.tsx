import { useNow } from "../lib/clock";
import { ago, duration, exact, span } from "../lib/time";

/** A moment as people say it; the exact one, in the local zone, on hover. */
export function Time({ at }: { at: string | null | undefined }) {
  const now = useNow();
  if (!at) return <span aria-label="never">–</span>;
  const moment = new Date(at);
  return (
    <time dateTime={at} title={exact(moment)} className="tabular">
      {ago(moment, now)}
    </time>
  );
}

interface DurationProps {
  from: string | null | undefined;
  to: string | null | undefined;
}

/** How long something took, or has taken so far; it goes on by itself. */
export function Duration({ from, to }: DurationProps) {
  const now = useNow();
  const value = span(from, to, now);
  if (value === undefined) return <span aria-label="not started">–</span>;
  return (
    <span className="tabular" title={from ? `From ${exact(new Date(from))}` : undefined}>
      {duration(value)}
    </span>
  );
}
