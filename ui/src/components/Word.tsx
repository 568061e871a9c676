import classes from "./Word.module.css";

/** A word of the program among those of people: a capability, an image, a name of a field. */
export function Word({ title, children }: { title?: string; children: string }) {
  return <span className={classes.word} title={title}>{children}</span>;
}
