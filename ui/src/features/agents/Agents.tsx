import { Button, Code, Group } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { PlusIcon, ServerIcon } from "@primer/octicons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { AGENT_STATUSES, type AgentItem, agentsQuery, type AgentsSearch } from "../../api/agents";
import { useMay } from "../../api/session";
import { ChoiceFilter } from "../../components/ChoiceFilter";
import type { Column } from "../../components/DataTable";
import { Empty } from "../../components/Empty";
import { ListPanel } from "../../components/ListPanel";
import { Load } from "../../components/Load";
import { NameCell } from "../../components/NameCell";
import { Page } from "../../components/Page";
import { RowLink } from "../../components/RowLink";
import { SearchBox } from "../../components/SearchBox";
import { AgentForm } from "./AgentForm";
import { AgentHealth } from "./AgentHealth";
import { Capabilities } from "./Capabilities";

const route = getRouteApi("/app/agents");

const COLUMNS: readonly Column<AgentItem>[] = [
  {
    id: "name",
    label: "Agent",
    sortable: true,
    render: (row) => (
      <NameCell description={row.description} trouble={row.error}>
        <RowLink to="/agents/$id" params={{ id: row.id }}>
          {row.name}
        </RowLink>
      </NameCell>
    ),
  },
  { id: "status", label: "Health", isPlain: true, render: (row) => <AgentHealth status={row.status} /> },
  { id: "load", label: "Load", render: (row) => <Load value={row.current_load} of={row.max_load} /> },
  { id: "can", label: "Can do", render: (row) => <Capabilities words={row.capabilities} /> },
];

export function Agents() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(agentsQuery(search));
  const [registering, { open, close }] = useDisclosure();
  const isAdmin = useMay("admin");
  const show = (change: AgentsSearch) => void navigate({ search: { ...search, ...change } });
  const type = (change: AgentsSearch) => void navigate({ search: { ...search, ...change, page: undefined }, replace: true });
  const filtered = search.status !== undefined || search.name !== undefined;
  return (
    <Page
      title="Agents"
      actions={
        <>
          <SearchBox label="Name" value={search.name} onSearch={(name) => type({ name })} />
          <ChoiceFilter
            label="Health"
            words={AGENT_STATUSES}
            value={search.status}
            onChoose={(status) => show({ status, page: undefined })}
          />
          {isAdmin && (
            <Button leftSection={<PlusIcon />} onClick={open}>
              Register
            </Button>
          )}
        </>
      }
    >
      <ListPanel
        label="Agents"
        columns={COLUMNS}
        query={query}
        rowsOf={(data) => data.agents}
        keyOf={(row) => row.id}
        search={search}
        onSearch={show}
        empty={
          <Empty icon={<ServerIcon size={24} />} title={filtered ? "No agent fits" : "No agents"}>
            {filtered ? (
              <>Take a filter away to see the others.</>
            ) : (
              <Group gap={4} justify="center">
                An agent is a place where containers run. One for the engine of this machine is registered when the
                service starts, if there is an engine: see <Code>aiop serve --help</Code>.
              </Group>
            )}
          </Empty>
        }
      />
      {registering && <AgentForm onClose={close} />}
    </Page>
  );
}
