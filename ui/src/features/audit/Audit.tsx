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
import { shortIds } from "../../lib/words";
import { Target } from "./Target";

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
  { id: "target", label: "To what", render: (row) => row.target !== null && <Target type={row.target_type} target={row.target} /> },
  { id: "detail", label: "Detail", render: (row) => Object.keys(row.detail).length > 0 && <Detail entry={row} /> },
  { id: "address", label: "From", wideOnly: true, render: (row) => row.address },
];

export function Audit() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(auditQuery(search));
  const show = (change: AuditSearch) => void navigate({ search: { ...search, ...change } });
  const type = (change: AuditSearch) => void navigate({ search: { ...search, ...change, page: undefined }, replace: true });
  const filtered = search.actor !== undefined || search.target !== undefined;
  return (
    <Page
      title="Audit log"
      actions={
        <>
          <SearchBox label="User" value={search.actor} onSearch={(actor) => type({ actor })} />
          <SearchBox label="Id or name" value={search.target} onSearch={(target) => type({ target })} />
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

function Detail({ entry }: { entry: AuditItem }) {
  const values = Object.entries(entry.detail).map(
    ([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  const text = values.join(", ");
  return (
    <Text component="span" size="sm" lineClamp={2} title={text}>
      {shortIds(text)}
    </Text>
  );
}
