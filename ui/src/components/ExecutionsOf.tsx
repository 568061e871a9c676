import { Group, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { executionsQuery } from "../api/executions";
import type { components } from "../api/schema";
import { type Column, DataTable } from "./DataTable";
import { Loaded } from "./Loaded";
import { RowLink } from "./RowLink";
import { Status } from "./Status";
import { Duration, Time } from "./Time";

type Row = components["schemas"]["ExecutionItem"];

const SHOWN = 10;

export const EXECUTION_COLUMNS: readonly Column<Row>[] = [
  { id: "status", label: "Status", render: (row) => <Status status={row.status} /> },
  {
    id: "id",
    label: "Execution",
    render: (row) => (
      <RowLink to="/executions/$id" params={{ id: row.id }}>
        {row.id.slice(-8)}
      </RowLink>
    ),
  },
  { id: "started_at", label: "Started", render: (row) => <Time at={row.started_at} /> },
  { id: "duration", label: "Duration", align: "right", render: (row) => <Duration from={row.started_at} to={row.completed_at} /> },
];

interface ExecutionsOfProps {
  of: { workflow: string } | { pipeline: string };
  columns?: readonly Column<Row>[];
}

/** The newest executions of a workflow or a pipeline, and the way to the others. */
export function ExecutionsOf({ of, columns = EXECUTION_COLUMNS }: ExecutionsOfProps) {
  const query = useQuery(executionsQuery(of));
  const table = { label: "Executions", columns, keyOf: (row: Row) => row.id };
  return (
    <div className="panel">
      <Group justify="space-between" px="md" py="sm">
        <Title order={2}>
          Executions
        </Title>
        {query.data && query.data.total > SHOWN && (
          <Text size="sm">
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
            <DataTable {...table} rows={data.executions.slice(0, SHOWN)} />
          )
        }
      </Loaded>
    </div>
  );
}
