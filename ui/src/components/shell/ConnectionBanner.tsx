import { AlertIcon } from "@primer/octicons-react";
import { useConnectionLost } from "../../api/connection";
import classes from "./Shell.module.css";

/** Says that what is shown may be old, as long as the service does not answer. */
export function ConnectionBanner() {
  const lost = useConnectionLost();
  return (
    <div role="status" aria-live="polite">
      {lost && (
        <div className={classes.banner}>
          <AlertIcon size={16} />
          The connection is lost. What you see may be old; it goes on by itself when the service answers.
        </div>
      )}
    </div>
  );
}
