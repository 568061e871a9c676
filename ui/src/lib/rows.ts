import { type RefObject, useEffect, useState } from "react";

const BESIDE = 20;

interface Rows {
  first: number;
  /** The row behind the last one that is drawn. */
  end: number;
}

/** Which of many rows of one height to draw: those in sight, and some beside them. Costs the same for any number. */
export function useRows(scroller: RefObject<HTMLElement | null>, count: number, height: number): Rows {
  const [sight, setSight] = useState({ top: 0, height: 0 });
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const look = () => setSight({ top: element.scrollTop, height: element.clientHeight });
    const size = new ResizeObserver(look);
    size.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      size.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, [scroller]);
  const first = Math.max(0, Math.min(count, Math.floor(sight.top / height)) - BESIDE);
  return { first, end: Math.min(count, Math.ceil((sight.top + sight.height) / height) + BESIDE) };
}
