import { Button, Code } from "@mantine/core";
import { PlusIcon, WorkflowIcon } from "@primer/octicons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { EXECUTION_STATUSES } from "../../api/executions";
import type { components } from "../../api/schema";
import { useMay } from "../../api/session";
import { workflowsQuery, type WorkflowsSearch } from "../../api/workflows";
import { ChoiceFilter } from "../../components/ChoiceFilter";
import type { Column } from "../../components/DataTable";
import { Empty } from "../../components/Empty";
import { ListPanel } from "../../components/ListPanel";
import { NameCell } from "../../components/NameCell";
import { Page } from "../../components/Page";
import { RowLink } from "../../components/RowLink";
import { SearchBox } from "../../components/SearchBox";
import { Status } from "../../components/Status";
import { Time } from "../../components/Time";

type Row = components["schemas"]["WorkflowItem"];

const route = getRouteApi("/app/workflows");

const COLUMNS: readonly Column<Row>[] = [
  {
    id: "name",
    label: "Workflow",
    sortable: true,
    render: (row) => (
      <NameCell description={row.description}>
        <RowLink to="/workflows/$id" params={{ id: row.id }}>
          {row.name}
        </RowLink>
      </NameCell>
    ),
  },
  { id: "status", label: "Newest execution", sortable: true, isPlain: true, render: (row) => <Status status={row.status} /> },
  { id: "updated_at", label: "Changed", sortable: true, render: (row) => row.updated_at && <Time at={row.updated_at} /> },
  { id: "created_at", label: "Created", sortable: true, render: (row) => <Time at={row.created_at} /> },
];

export function Workflows() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(workflowsQuery(search));
  const mayEdit = useMay("editor");
  const show = (change: WorkflowsSearch) => void navigate({ search: { ...search, ...change } });
  const type = (change: WorkflowsSearch) => void navigate({ search: { ...search, ...change, page: undefined }, replace: true });
  const filtered = search.status !== undefined || search.name !== undefined;
  return (
    <Page
      title="Workflows"
      actions={
        <>
          <SearchBox label="Name" value={search.name} onSearch={(name) => type({ name })} />
          <ChoiceFilter
            label="Status"
            words={EXECUTION_STATUSES}
            value={search.status}
            onChoose={(status) => show({ status, page: undefined })}
          />
          {mayEdit && (
            <Button component={Link} to="/workflows/new" leftSection={<PlusIcon />}>
              New
            </Button>
          )}
        </>
      }
    >
      <ListPanel
        label="Workflows"
        columns={COLUMNS}
        query={query}
        rowsOf={(data) => data.workflows}
        keyOf={(row) => row.id}
        search={search}
        onSearch={show}
        empty={
          <Empty icon={<WorkflowIcon size={24} />} title={filtered ? "No workflow fits" : "No workflows"}>
            {filtered ? (
              "Take a filter away to see the others."
            ) : (
              <>
                A workflow is a graph of steps in containers. Write one here, or send one by <Code>aiop workflow create</Code>.
              </>
            )}
          </Empty>
        }
      />
    </Page>
  );
}
