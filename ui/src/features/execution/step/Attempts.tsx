import type { StepDetail } from "../../../api/executions";
import { Status } from "../../../components/Status";
import { Duration, Time } from "../../../components/Time";
import { Why } from "../../../components/Why";
import { bytes } from "../../../lib/size";
import classes from "./StepPanel.module.css";

type Attempt = StepDetail["attempts"][number];

/** Every try at the step, the newest first, each with why it ended so. */
export function Attempts({ attempts }: { attempts: readonly Attempt[] }) {
  if (attempts.length === 0) return null;
  return (
    <section className={classes.section}>
      <h3>Attempts</h3>
      {[...attempts].reverse().map((attempt) => (
        <div key={`${attempt.index} ${attempt.attempt}`} className={classes.attempt}>
          <div className={classes.line}>
            <strong>{attempt.attempt}</strong>
            <Status status={attempt.status} />
            <Duration from={attempt.started_at} to={attempt.completed_at} />
            {attempt.exit_code !== null && <span>exit code {attempt.exit_code}</span>}
            <Time at={attempt.started_at} />
          </div>
          <Why of={{ reason: attempt.reason ?? undefined, error: attempt.error ?? undefined }} />
          {attempt.infrastructure && (
            <span className={classes.quiet}>A fault of the engine or the network; it does not count against the retries.</span>
          )}
          <span className={classes.quiet}>
            {attempt.ready_at && attempt.started_at && (
              <>
                Waited <Duration from={attempt.ready_at} to={attempt.started_at} /> to start ·{" "}
              </>
            )}
            {bytes(attempt.log_bytes)} of log
            {attempt.image_digest && ` · ${attempt.image_digest}`}
          </span>
        </div>
      ))}
    </section>
  );
}
