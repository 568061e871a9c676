import { memo, type CSSProperties } from "react";
import type { LogLine } from "../../../api/log";
import { type Span, spans } from "../../../lib/ansi";
import { exact } from "../../../lib/time";
import classes from "./LogView.module.css";

interface LineProps {
  line: LogLine;
  number: number;
  top: number;
  found: "one" | "current" | undefined;
  withStep: boolean;
  withTime: boolean;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

/** One line, in its colours. */
export const Line = memo(function Line({ line, number, top, found, withStep, withTime }: LineProps) {
  return (
    <div className={classes.line} data-stream={line.stream} data-found={found} style={{ transform: `translateY(${top}px)` }}>
      <span className={classes.number}>{number}</span>
      {withTime && (
        <time className={classes.time} dateTime={line.at} title={exact(new Date(line.at))}>
          {clock.format(new Date(line.at))}
        </time>
      )}
      {withStep && <span className={classes.step}>{line.step}</span>}
      <span className={classes.text}>
        {spans(line.text).map((span, index) => (
          <span key={index} style={styleOf(span)}>
            {span.text}
          </span>
        ))}
      </span>
    </div>
  );
});

function styleOf({ colour, background, bold, dim, italic, underline }: Span): CSSProperties | undefined {
  if (!colour && !background && !bold && !dim && !italic && !underline) return undefined;
  return {
    color: colour && colourOf(colour),
    background: background && colourOf(background),
    fontWeight: bold ? 700 : undefined,
    opacity: dim ? 0.75 : undefined,
    fontStyle: italic ? "italic" : undefined,
    textDecoration: underline ? "underline" : undefined,
  };
}

function colourOf(colour: string): string {
  return colour.startsWith("#") ? colour : `var(--ansi-${colour})`;
}
