import { Select } from "@mantine/core";
import { PlayIcon } from "@primer/octicons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { EXECUTION_STATUSES, executionsQuery, type ExecutionsSearch } from "../../api/executions";
import type { components } from "../../api/schema";
import { type Column, DataTable } from "../../components/DataTable";
import { Empty } from "../../components/Empty";
import { Loaded } from "../../components/Loaded";
import { Page } from "../../components/Page";
import { Pager } from "../../components/Pager";
import { RowLink } from "../../components/RowLink";
import { Status } from "../../components/Status";
import { Duration, Time } from "../../components/Time";
import { oneOf } from "../../lib/listSearch";

type Row = components["schemas"]["ExecutionItem"];

const route = getRouteApi("/app/executions");

const COLUMNS: readonly Column<Row>[] = [
  { id: "status", label: "Status", sortable: true, render: (row) => <Status status={row.status} /> },
  {
    id: "name",
    label: "Execution",
    render: (row) => (
      <RowLink to="/executions/$id" params={{ id: row.id }}>
        {row.id.slice(-8)}
      </RowLink>
    ),
  },
  { id: "started_at", label: "Started", sortable: true, render: (row) => <Time at={row.started_at} /> },
  {
    id: "duration",
    label: "Duration",
    align: "right",
    render: (row) => <Duration from={row.started_at} to={row.completed_at} />,
  },
];

export function Executions() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(executionsQuery(search));
  const show = (change: ExecutionsSearch) => void navigate({ search: change, replace: true });
  return (
    <Page
      title="Executions"
      actions={
        <Select
          aria-label="Status"
          placeholder="Any status"
          data={[...EXECUTION_STATUSES]}
          value={search.status ?? null}
          onChange={(value) => show({ ...search, status: oneOf(value, EXECUTION_STATUSES), page: undefined })}
          clearable
        />
      }
    >
      <div className="panel">
        <Loaded query={query} pending={<DataTable label="Executions" columns={COLUMNS} rows={undefined} keyOf={keyOf} />}>
          {(data) =>
            data.total === 0 ? (
              <Empty icon={<PlayIcon size={24} />} title="No executions">
                Execute a workflow or a pipeline, and it shows here.
              </Empty>
            ) : (
              <>
                <DataTable
                  label="Executions"
                  columns={COLUMNS}
                  rows={data.executions}
                  keyOf={keyOf}
                  sort={search.sort}
                  onSort={(sort) => show({ ...search, sort, page: undefined })}
                />
                <Pager page={search.page ?? 1} total={data.total} onPage={(page) => show({ ...search, page })} />
              </>
            )
          }
        </Loaded>
      </div>
    </Page>
  );
}

function keyOf(row: Row): string {
  return row.id;
}
