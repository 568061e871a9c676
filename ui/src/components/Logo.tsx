import classes from "./Logo.module.css";

/** The mark and the name. */
export function Logo() {
  return (
    <span className={classes.logo}>
      <img src="/favicon.svg" alt="" width={24} height={24} />
      aiop
    </span>
  );
}
