import { PlayIcon } from "@primer/octicons-react";
import { Button, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { EXECUTION_STATUSES, executionsQuery, type ExecutionsSearch, type Glance } from "../../api/executions";
import { DataTable } from "../../components/DataTable";
import { Empty } from "../../components/Empty";
import { Loaded } from "../../components/Loaded";
import { Page } from "../../components/Page";
import { Pager } from "../../components/Pager";
import { oneOf } from "../../lib/listSearch";
import { COLUMNS } from "./columns";

const route = getRouteApi("/app/executions");

export function Executions() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(executionsQuery(search));
  const show = (change: ExecutionsSearch) => void navigate({ search: change });
  const filtered = Boolean(search.status ?? search.workflow ?? search.pipeline);
  return (
    <Page
      title="Executions"
      actions={
        <>
          {(search.workflow ?? search.pipeline) && (
            <Button variant="default" onClick={() => show({ ...search, workflow: undefined, pipeline: undefined })}>
              Of all {search.workflow ? "workflows" : "pipelines"}
            </Button>
          )}
          <Select
            aria-label="Status"
            placeholder="Any status"
            data={[...EXECUTION_STATUSES]}
            value={search.status ?? null}
            onChange={(value) => show({ ...search, status: oneOf(value, EXECUTION_STATUSES), page: undefined })}
            w={160}
            clearable
          />
        </>
      }
    >
      <div className="panel">
        <Loaded
          query={query}
          pending={<DataTable label="Executions" columns={COLUMNS} rows={undefined} keyOf={keyOf} sort={search.sort} />}
        >
          {(data) => (
            <>
              {data.executions.length === 0 ? (
                <Nothing filtered={filtered || data.total > 0} onAll={() => show({})} />
              ) : (
                <DataTable
                  label="Executions"
                  columns={COLUMNS}
                  rows={data.executions}
                  keyOf={keyOf}
                  sort={search.sort}
                  onSort={(sort) => show({ ...search, sort, page: undefined })}
                />
              )}
              <Pager page={search.page ?? 1} total={data.total} onPage={(page) => show({ ...search, page })} />
            </>
          )}
        </Loaded>
      </div>
    </Page>
  );
}

function Nothing({ filtered, onAll }: { filtered: boolean; onAll: () => void }) {
  if (!filtered) {
    return (
      <Empty icon={<PlayIcon size={24} />} title="Nothing has been executed yet">
        Run a workflow or a pipeline, and it shows here while it goes on.
      </Empty>
    );
  }
  return (
    <Empty icon={<PlayIcon size={24} />} title="No execution is like that">
      <Button variant="default" size="xs" mt="sm" onClick={onAll}>
        Show all executions
      </Button>
    </Empty>
  );
}

function keyOf(row: Glance): string {
  return row.id;
}
