import { Text } from "@mantine/core";
import { LogIcon } from "@primer/octicons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { type AuditItem, auditQuery, type AuditSearch } from "../../api/audit";
import type { Column } from "../../components/DataTable";
import { Empty } from "../../components/Empty";
import { ListPanel } from "../../components/ListPanel";
import { Page } from "../../components/Page";
import { SearchBox } from "../../components/SearchBox";
import { Time } from "../../components/Time";
import { Word } from "../../components/Word";

const route = getRouteApi("/app/settings/audit");

const COLUMNS: readonly Column<AuditItem>[] = [
  { id: "at", label: "When", sortable: true, render: (row) => <Time at={row.at} /> },
  {
    id: "actor",
    label: "Who",
    render: (row) => (
      <>
        {row.actor ?? "the service"}
        {row.token && (
          <Text size="xs" c="dimmed">
            token {row.token}
          </Text>
        )}
      </>
    ),
  },
  { id: "action", label: "What", render: (row) => row.action },
  { id: "target", label: "To what", render: (row) => row.target && <Word>{row.target}</Word> },
  { id: "detail", label: "Detail", wideOnly: true, render: (row) => <Text size="sm" lineClamp={2}>{detail(row)}</Text> },
  { id: "address", label: "From", wideOnly: true, render: (row) => row.address },
];

export function Audit() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(auditQuery(search));
  const show = (change: AuditSearch) => void navigate({ search: { ...search, ...change }, replace: true });
  const filtered = search.actor !== undefined || search.target !== undefined;
  return (
    <Page
      title="Audit log"
      actions={
        <>
          <SearchBox label="User" value={search.actor} onSearch={(actor) => show({ actor, page: undefined })} />
          <SearchBox label="Id or name" value={search.target} onSearch={(target) => show({ target, page: undefined })} />
        </>
      }
    >
      <ListPanel
        label="Audit log"
        columns={COLUMNS}
        query={query}
        rowsOf={(data) => data.entries}
        keyOf={(row) => row.id}
        search={search}
        onSearch={show}
        empty={
          <Empty icon={<LogIcon size={24} />} title={filtered ? "Nothing fits" : "Nothing was done yet"}>
            {filtered && "User, id and name are taken as a whole, as they are written."}
          </Empty>
        }
      />
    </Page>
  );
}

function detail(row: AuditItem): string {
  return Object.entries(row.detail)
    .map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}
