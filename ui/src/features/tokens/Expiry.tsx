import { useNow } from "../../lib/clock";
import { duration, exact } from "../../lib/time";

/** How long something holds yet; the exact moment on hover. */
export function Expiry({ at }: { at: string }) {
  const left = Date.parse(at) - useNow();
  return (
    <time dateTime={at} title={exact(new Date(at))} className="tabular">
      {left > 0 ? `in ${duration(left)}` : "expired"}
    </time>
  );
}
