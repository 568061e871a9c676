import { ChevronDownIcon, ChevronUpIcon, ClockIcon, DownloadIcon, FoldDownIcon, SearchIcon } from "@primer/octicons-react";
import { ActionIcon, Group, Select, TextInput, Tooltip } from "@mantine/core";
import { useDownload } from "../../../components/useDownload";
import { placeOf } from "../../../lib/logSelection";
import { shortId } from "../../../lib/words";
import classes from "./LogView.module.css";

/** What of a log is shown, and how. */
export interface Shown {
  search: string;
  stream?: string | undefined;
  attempt?: number | undefined;
  times: boolean;
}

interface LogToolbarProps {
  execution: string;
  step: string | undefined;
  shown: Shown;
  onShown: (shown: Shown) => void;
  /** How many there are so far. */
  attempts: number;
  matches: readonly number[];
  current: number | undefined;
  onGo: (direction: 1 | -1) => void;
  following: boolean;
  onFollowing: (following: boolean) => void;
}

export function LogToolbar(props: LogToolbarProps) {
  const { execution, step, shown, onShown, attempts, matches, current, onGo, following, onFollowing } = props;
  const found = current === undefined ? matches.length : `${placeOf(matches, current) + 1}/${matches.length}`;
  return (
    <div className={classes.toolbar}>
      <TextInput
        size="xs"
        aria-label="Search the log"
        placeholder="Search"
        leftSection={<SearchIcon size={14} />}
        rightSection={shown.search && <span className={`${classes.found} tabular`}>{found}</span>}
        rightSectionWidth={shown.search ? 64 : 0}
        value={shown.search}
        onChange={(event) => onShown({ ...shown, search: event.currentTarget.value })}
        onKeyDown={(event) => {
          if (event.key === "Enter") onGo(event.shiftKey ? -1 : 1);
        }}
        className={classes.search ?? ""}
      />
      {shown.search && <Group gap={2} wrap="nowrap">
        <Tool label="Match before" disabled={matches.length === 0} onClick={() => onGo(-1)}>
          <ChevronUpIcon />
        </Tool>
        <Tool label="Next match" disabled={matches.length === 0} onClick={() => onGo(1)}>
          <ChevronDownIcon />
        </Tool>
      </Group>}
      <Select
        size="xs"
        w={112}
        aria-label="Stream"
        data={[
          { value: "", label: "All output" },
          { value: "stdout", label: "stdout" },
          { value: "stderr", label: "stderr" },
        ]}
        value={shown.stream ?? ""}
        onChange={(stream) => onShown({ ...shown, stream: stream ?? undefined })}
        allowDeselect={false}
      />
      {step !== undefined && attempts > 1 && (
        <Select
          size="xs"
          w={118}
          aria-label="Attempt"
          data={[
            { value: "", label: "All attempts" },
            ...Array.from({ length: attempts }, (_, index) => ({ value: String(index + 1), label: `Attempt ${index + 1}` })),
          ]}
          value={String(shown.attempt ?? "")}
          onChange={(attempt) => onShown({ ...shown, attempt: attempt ? Number(attempt) : undefined })}
          allowDeselect={false}
        />
      )}
      <Group gap={2} ml="auto" wrap="nowrap">
        <Tool label="Show times" pressed={shown.times} onClick={() => onShown({ ...shown, times: !shown.times })}>
          <ClockIcon />
        </Tool>
        <Tool label="Follow" pressed={following} onClick={() => onFollowing(!following)}>
          <FoldDownIcon />
        </Tool>
        <Download execution={execution} step={step} />
      </Group>
    </div>
  );
}

function Download({ execution, step }: { execution: string; step: string | undefined }) {
  const query = step === undefined ? "" : `?step=${encodeURIComponent(step)}`;
  const saving = useDownload(`/dagger/executions/${execution}/logs${query}`, `${shortId(execution)}-${step ?? "all"}.log`);
  return (
    <Tool label="Download the log" loading={saving.isPending} onClick={() => saving.mutate()}>
      <DownloadIcon />
    </Tool>
  );
}

interface ToolProps {
  label: string;
  pressed?: boolean;
  disabled?: boolean;
  loading?: boolean;
  onClick: () => void;
  children: React.ReactNode;
}

function Tool({ label, pressed, ...others }: ToolProps) {
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant={pressed ? "light" : "subtle"}
        color={pressed ? "indigo" : "gray"}
        aria-label={label}
        aria-pressed={pressed}
        {...others}
      />
    </Tooltip>
  );
}
