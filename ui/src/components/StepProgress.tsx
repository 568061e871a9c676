import classes from "./StepProgress.module.css";

const ORDER = ["completed", "running", "failed", "cancelled", "skipped", "pending"] as const;

export type Counts = Record<(typeof ORDER)[number], number>;

/** How far the steps are: a bar with a part for each state, and the numbers as text. */
export function StepProgress({ counts, small = false }: { counts: Counts; small?: boolean }) {
  const total = ORDER.reduce((sum, status) => sum + counts[status], 0);
  const ended = total - counts.pending - counts.running;
  const said = ORDER.filter((status) => counts[status] > 0).map((status) => `${counts[status]} ${status}`);
  return (
    <span className={classes.progress} data-small={small || undefined} title={said.join(", ")}>
      <span className={classes.bar} aria-hidden>
        {ORDER.map((status) =>
          counts[status] > 0 ? (
            <span key={status} data-status={status} style={{ flexGrow: counts[status] }} className={classes.part} />
          ) : null,
        )}
      </span>
      <span className={`${classes.text} tabular`}>
        {ended.toLocaleString()}
        <span className={classes.of}>/{total.toLocaleString()}</span>
      </span>
    </span>
  );
}
