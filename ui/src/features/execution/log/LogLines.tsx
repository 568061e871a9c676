import { useEffect, useRef } from "react";
import type { LogLine } from "../../../api/log";
import { follows } from "../../../lib/following";
import { placeOf } from "../../../lib/logSelection";
import { useRows } from "../../../lib/rows";
import { Line } from "./Line";
import classes from "./LogView.module.css";

const ROW = 20;

interface LogLinesProps {
  /** Grows in place; `count` says how many rows there are. */
  lines: readonly LogLine[];
  rows: readonly number[];
  count: number;
  matches: readonly number[];
  current: number | undefined;
  withStep: boolean;
  withTimes: boolean;
  following: boolean;
  onFollowing: (following: boolean) => void;
}

/** The lines in sight. It stays at the end while it follows, and stops to follow when somebody scrolls up. */
export function LogLines(props: LogLinesProps) {
  const { lines, rows, count, matches, current, withStep, withTimes, following, onFollowing } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const before = useRef({ scrollTop: 0, scrollHeight: 0, clientHeight: 0 });
  const { first, end } = useRows(scroller, count, ROW);
  useEffect(() => {
    const element = scroller.current;
    if (following && element) element.scrollTop = element.scrollHeight;
  }, [following, count]);
  useEffect(() => {
    const element = scroller.current;
    if (current !== undefined && element) element.scrollTop = current * ROW - element.clientHeight / 2;
  }, [current]);

  const onScroll = () => {
    const element = scroller.current;
    if (!element) return;
    const { scrollTop, scrollHeight, clientHeight } = element;
    const now = { scrollTop, scrollHeight, clientHeight };
    const next = follows(following, before.current, now);
    before.current = now;
    if (next !== following) onFollowing(next);
  };

  const matching = new Set(matches.slice(placeOf(matches, first), placeOf(matches, end)));
  return (
    <div
      className={classes.lines}
      ref={scroller}
      onScroll={onScroll}
      tabIndex={0}
      role="log"
      aria-live="off"
      aria-label="Log"
    >
      <div className={classes.sheet} style={{ height: count * ROW }}>
        {Array.from({ length: Math.max(0, end - first) }, (_, place) => {
          const index = first + place;
          const number = rows[index];
          const line = number === undefined ? undefined : lines[number];
          if (number === undefined || line === undefined) return null;
          return (
            <Line
              key={number}
              line={line}
              number={number + 1}
              top={index * ROW}
              found={matching.has(index) ? (index === current ? "current" : "one") : undefined}
              withStep={withStep}
              withTime={withTimes}
            />
          );
        })}
      </div>
    </div>
  );
}
