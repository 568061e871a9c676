import { reasonWord } from "../lib/words";
import classes from "./Why.module.css";

interface WhyProps {
  /** What did not end well, or waits. */
  of: {
    reason?: string | undefined;
    error?: string | undefined;
    waiting?: { code: string; detail: string } | undefined;
  };
  /** In one line, cut where there is no place. */
  short?: boolean;
}

/** Why something failed or waits: the reason as a word, and the service's own sentence. Nothing if neither is the case. */
export function Why({ of: { reason, error, waiting }, short = false }: WhyProps) {
  const sentence = waiting?.detail ?? error;
  // "waits for a" says it all.
  const word = waiting?.code === "dependency" && sentence ? undefined : (waiting?.code ?? reason);
  if (word === undefined && sentence === undefined) return null;
  return (
    <span className={classes.why} data-short={short || undefined} title={short ? sentence : undefined}>
      {word && <span className={classes.word}>{reasonWord(word)}</span>}
      {sentence && <span className={classes.sentence}>{sentence}</span>}
    </span>
  );
}
