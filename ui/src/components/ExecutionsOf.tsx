import { Group, Text, Title } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ExecutionStatus } from "../api/executions";
import { shortId } from "../lib/words";
import { type Column, DataTable } from "./DataTable";
import { Loaded } from "./Loaded";
import { RowLink } from "./RowLink";
import { Status } from "./Status";
import { Duration, Time } from "./Time";

/** How many executions are shown. */
export const SHOWN = 10;

interface Row {
  id: string;
  status: ExecutionStatus;
  started_at: string | null;
  completed_at: string | null;
}

export const EXECUTION_COLUMNS: readonly Column<Row>[] = [
  { id: "status", label: "Status", isPlain: true, render: (row) => <Status status={row.status} /> },
  {
    id: "id",
    label: "Execution",
    render: (row) => (
      <RowLink to="/executions/$id" params={{ id: row.id }}>
        {shortId(row.id)}
      </RowLink>
    ),
  },
  { id: "started_at", label: "Started", render: (row) => <Time at={row.started_at} /> },
  { id: "duration", label: "Duration", align: "right", render: (row) => <Duration from={row.started_at} to={row.completed_at} /> },
];

interface ExecutionsOfProps<R extends Row> {
  of: { workflow: string } | { pipeline: string };
  query: UseQueryResult<{ total: number; executions: readonly R[] }>;
  columns: readonly Column<R>[];
}

/** The newest executions of a workflow or a pipeline, and the way to the others. */
export function ExecutionsOf<R extends Row>({ of, query, columns }: ExecutionsOfProps<R>) {
  const table = { label: "Executions", columns, keyOf: (row: R) => row.id };
  return (
    <div className="panel">
      <Group justify="space-between" px="md" py="sm">
        <Title order={2}>
          Executions
        </Title>
        {query.data && query.data.total > SHOWN && (
          <Text size="sm" c="dimmed">
            <Link to="/executions" search={of}>
              All {query.data.total}
            </Link>
          </Text>
        )}
      </Group>
      <Loaded query={query} pending={<DataTable {...table} rows={undefined} />}>
        {(data) =>
          data.total === 0 ? (
            <Text size="sm" c="dimmed" px="md" pb="lg">
              It was not executed yet.
            </Text>
          ) : (
            <DataTable {...table} rows={data.executions} />
          )
        }
      </Loaded>
    </div>
  );
}
