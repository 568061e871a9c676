import { PlayIcon } from "@primer/octicons-react";
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { EXECUTION_STATUSES, executionsQuery, type ExecutionsSearch } from "../../api/executions";
import { ChoiceFilter } from "../../components/ChoiceFilter";
import { Empty } from "../../components/Empty";
import { ListPanel } from "../../components/ListPanel";
import { Page } from "../../components/Page";
import { COLUMNS } from "./columns";

const route = getRouteApi("/app/executions");

export function Executions() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(executionsQuery(search));
  const show = (change: ExecutionsSearch) => void navigate({ search: { ...search, ...change } });
  const filtered = Boolean(search.status ?? search.workflow ?? search.pipeline);
  return (
    <Page
      title="Executions"
      actions={
        <>
          {(search.workflow ?? search.pipeline) && (
            <Button variant="default" onClick={() => show({ workflow: undefined, pipeline: undefined, page: undefined })}>
              Of all {search.workflow ? "workflows" : "pipelines"}
            </Button>
          )}
          <ChoiceFilter
            label="Status"
            words={EXECUTION_STATUSES}
            value={search.status}
            onChoose={(status) => show({ status, page: undefined })}
          />
        </>
      }
    >
      <ListPanel
        label="Executions"
        columns={COLUMNS}
        query={query}
        rowsOf={(data) => data.executions}
        keyOf={(row) => row.id}
        search={search}
        onSearch={show}
        empty={<Nothing filtered={filtered} onAll={() => void navigate({ search: {} })} />}
      />
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
