import type { Glance } from "../../api/executions";
import type { Column } from "../../components/DataTable";
import { RowLink } from "../../components/RowLink";
import { Status } from "../../components/Status";
import { StepProgress } from "../../components/StepProgress";
import { Duration, Time } from "../../components/Time";
import { Why } from "../../components/Why";
import { shortId } from "../../lib/words";
import classes from "./columns.module.css";

const NAME: Column<Glance> = {
  id: "name",
  label: "Execution",
  render: (row) => (
    <div className={classes.name}>
      <RowLink to="/executions/$id" params={{ id: row.id }} title={row.id}>
        {row.name ?? "deleted"} <span className={classes.id}>{shortId(row.id)}</span>
      </RowLink>
      <Why of={row} short />
    </div>
  ),
};

const STATUS: Column<Glance> = {
  id: "status",
  label: "Status",
  sortable: true,
  isPlain: true,
  render: (row) => <Status status={row.status} />,
};

const STEPS: Column<Glance> = {
  id: "steps",
  label: "Steps",
  isPlain: true,
  render: (row) => <StepProgress counts={row.steps} />,
};

const DURATION: Column<Glance> = {
  id: "duration",
  label: "Duration",
  align: "right",
  render: (row) => <Duration from={row.started_at} to={row.completed_at} />,
};

function moment(id: "created_at" | "started_at" | "completed_at", label: string): Column<Glance> {
  return { id, label, sortable: true, align: "right", wideOnly: id !== "created_at", render: (row) => <Time at={row[id]} /> };
}

/** Of the list of all executions. */
export const COLUMNS = [NAME, STATUS, STEPS, moment("created_at", "Submitted"), moment("started_at", "Started"), DURATION];
