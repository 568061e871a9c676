import { TerminalIcon } from "@primer/octicons-react";
import { useMemo, useState } from "react";
import { useLog } from "../../../api/log";
import { hasEnded, type StepStatus } from "../../../api/status";
import { Empty } from "../../../components/Empty";
import { Pending } from "../../../components/Outcomes";
import { LogSelection, nextMatch } from "../../../lib/logSelection";
import { LogLines } from "./LogLines";
import { LogToolbar, type Shown } from "./LogToolbar";
import classes from "./LogView.module.css";

interface LogViewProps {
  execution: string;
  /** Of what the log is of. */
  status: StepStatus;
  /** Only of this step; else of all, each line with the name of its step. */
  step?: string;
}

/** The log, while it is written and afterwards. */
export function LogView({ execution, status, step }: LogViewProps) {
  const log = useLog(execution, step);
  const [shown, setShown] = useState<Shown>({ search: "", times: false });
  const [following, setFollowing] = useState(true);
  const [current, setCurrent] = useState<number>();
  const { search, stream, attempt } = shown;
  // eslint-disable-next-line react-hooks/exhaustive-deps -- another log is another array, which grows in place
  const selection = useMemo(() => new LogSelection({ search, stream, attempt }), [log.lines, search, stream, attempt]);
  selection.extend(log.lines);

  const go = (direction: 1 | -1) => {
    const row = nextMatch(selection.matches, current ?? (direction === 1 ? -1 : Infinity), direction);
    if (row === undefined) return;
    setFollowing(false);
    setCurrent(row);
  };

  return (
    <div className={`panel ${classes.log}`}>
      <LogToolbar
        execution={execution}
        step={step}
        shown={shown}
        onShown={(change) => {
          setCurrent(undefined);
          setShown(change);
        }}
        attempts={log.lines.at(log.count - 1)?.attempt ?? 1}
        matches={selection.matches}
        current={current}
        onGo={go}
        following={following}
        onFollowing={setFollowing}
      />
      {log.count === 0 ? (
        <Nothing status={status} read={log.ended} />
      ) : (
        <LogLines
          lines={log.lines}
          rows={selection.rows}
          count={selection.rows.length}
          matches={selection.matches}
          current={current}
          withStep={step === undefined}
          withTimes={shown.times}
          following={following}
          onFollowing={setFollowing}
        />
      )}
    </div>
  );
}

function Nothing({ status, read }: { status: StepStatus; read: boolean }) {
  if (!hasEnded(status)) {
    return (
      <Empty icon={<TerminalIcon size={24} />} title={status === "pending" ? "It has not begun" : "Nothing has been said yet"}>
        Lines show here as they are written.
      </Empty>
    );
  }
  if (!read) return <Pending />;
  return (
    <Empty icon={<TerminalIcon size={24} />} title="Nothing was said">
      There is no line on standard output or standard error.
    </Empty>
  );
}
