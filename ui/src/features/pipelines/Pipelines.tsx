import { Button, Code } from "@mantine/core";
import { PackageIcon, PlusIcon } from "@primer/octicons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type Pipeline, pipelinesQuery, type PipelinesSearch } from "../../api/pipelines";
import { useMay } from "../../api/session";
import type { Column } from "../../components/DataTable";
import { Empty } from "../../components/Empty";
import { ListPanel } from "../../components/ListPanel";
import { NameCell } from "../../components/NameCell";
import { Page } from "../../components/Page";
import { RowLink } from "../../components/RowLink";
import { SearchBox } from "../../components/SearchBox";
import { Time } from "../../components/Time";
import { Word } from "../../components/Word";
import { shortIds } from "../../lib/words";

const route = getRouteApi("/app/pipelines");

const COLUMNS: readonly Column<Pipeline>[] = [
  {
    id: "name",
    label: "Pipeline",
    sortable: true,
    render: (row) => (
      <NameCell description={row.description}>
        <RowLink to="/pipelines/$id" params={{ id: row.id }}>
          {row.name}
        </RowLink>
      </NameCell>
    ),
  },
  { id: "source", label: "Source", render: (row) => <Word title={row.source_directory}>{shortIds(row.source_directory)}</Word> },
  { id: "cache", label: "Cache", render: (row) => (row.caching_enabled ? "on" : "off") },
  { id: "created_at", label: "Created", sortable: true, wideOnly: true, render: (row) => <Time at={row.created_at} /> },
];

export function Pipelines() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(pipelinesQuery(search));
  const mayEdit = useMay("editor");
  const show = (change: PipelinesSearch) => void navigate({ search: { ...search, ...change } });
  const type = (change: PipelinesSearch) => void navigate({ search: { ...search, ...change, page: undefined }, replace: true });
  return (
    <Page
      title="Pipelines"
      actions={
        <>
          <SearchBox label="Name" value={search.name} onSearch={(name) => type({ name })} />
          {mayEdit && (
            <Button component={Link} to="/pipelines/new" leftSection={<PlusIcon />}>
              New
            </Button>
          )}
        </>
      }
    >
      <ListPanel
        label="Pipelines"
        columns={COLUMNS}
        query={query}
        rowsOf={(data) => data.pipelines}
        keyOf={(row) => row.id}
        search={search}
        onSearch={show}
        empty={
          <Empty icon={<PackageIcon size={24} />} title={search.name ? "No pipeline has this in its name" : "No pipelines"}>
            {search.name ? (
              "Take the filter away to see the others."
            ) : (
              <>
                A pipeline is steps over a tree of files, whose results are used again where nothing has changed. From a
                directory of yours: <Code>aiop pipeline run .</Code>
              </>
            )}
          </Empty>
        }
      />
    </Page>
  );
}
