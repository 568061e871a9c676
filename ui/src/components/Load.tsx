import classes from "./Load.module.css";

/** How much of what is possible is in use, as a bar with its figures. */
export function Load({ value, of }: { value: number; of: number }) {
  const share = of > 0 ? Math.min(1, value / of) : 0;
  return (
    <span className={classes.load}>
      <span className={classes.bar} aria-hidden>
        <span className={classes.used} data-full={share >= 1 || undefined} style={{ width: `${share * 100}%` }} />
      </span>
      <span className="tabular">
        {value} of {of}
      </span>
    </span>
  );
}
