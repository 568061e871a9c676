import { Text, Title } from "@mantine/core";
import { type ReactNode, useId, useState } from "react";
import { scaleOf } from "../../lib/scale";
import classes from "./BarChart.module.css";

export interface Bar {
  /** Where the bar stands on the axis, and for how long: shown when it is pointed at. */
  label: string;
  /** From the bottom up; beside one another in front if they `overlap`. */
  parts: readonly { colour: string; value: number }[];
  /** The numbers in words. */
  said: string;
}

interface BarChartProps {
  title: string;
  /** The whole in words; stands where the numbers of a bar stand while one is pointed at. */
  summary: string;
  bars: readonly Bar[];
  /** Below the first, the middle and the last bar. */
  ends: readonly [string, string, string];
  format: (value: number) => string;
  /** The parts are drawn one in front of another, and not on top. */
  overlap?: boolean;
  legend: ReactNode;
}

/** Bars over time. Whoever cannot see them is told the summary. */
export function BarChart({ title, summary, bars, ends, format, overlap = false, legend }: BarChartProps) {
  const [pointed, setPointed] = useState<number>();
  const heading = useId();
  const heights = bars.map(({ parts }) => {
    const values = parts.map(({ value }) => value);
    return overlap ? Math.max(0, ...values) : values.reduce((sum, value) => sum + value, 0);
  });
  const { top, marks } = scaleOf(Math.max(0, ...heights));
  const bar = pointed === undefined ? undefined : bars[pointed];
  return (
    <section className={`panel ${classes.chart}`} aria-labelledby={heading}>
      <div className={classes.head}>
        <Title order={2} id={heading}>
          {title}
        </Title>
        <Text size="sm" c="dimmed" className="tabular">
          {bar ? `${bar.label}: ${bar.said}` : summary}
        </Text>
      </div>
      <div className={classes.plot} role="img" aria-label={`${title}: ${summary}`}>
        {marks.map((mark) => (
          <div key={mark} className={classes.mark} style={{ bottom: `${(mark / top) * 100}%` }}>
            <span className="tabular">{format(mark)}</span>
          </div>
        ))}
        <div className={classes.bars} onMouseLeave={() => setPointed(undefined)} data-overlap={overlap || undefined}>
          {bars.map(({ label, parts }, index) => (
            <div key={label} className={classes.column} onMouseEnter={() => setPointed(index)}>
              {parts.map(({ colour, value }) =>
                value > 0 ? (
                  <div key={colour} style={{ height: `${(value / top) * 100}%`, background: colour }} />
                ) : null,
              )}
            </div>
          ))}
        </div>
      </div>
      <div className={`${classes.ends} tabular`} aria-hidden>
        {ends.map((end, index) => (
          <span key={index}>{end}</span>
        ))}
      </div>
      <div className={classes.legend}>{legend}</div>
    </section>
  );
}

/** Says what a colour stands for. */
export function Legend({ colour, children }: { colour: string; children: ReactNode }) {
  return (
    <span className={classes.entry}>
      <span className={classes.swatch} style={{ background: colour }} aria-hidden />
      {children}
    </span>
  );
}
