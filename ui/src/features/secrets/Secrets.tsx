import { Button, Code, Text } from "@mantine/core";
import { LockIcon, PencilIcon, PlusIcon, TrashIcon } from "@primer/octicons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { type Secret, secretsQuery, type SecretsSearch } from "../../api/secrets";
import { useMay } from "../../api/session";
import { actionsColumn } from "../../components/actionsColumn";
import type { Column } from "../../components/DataTable";
import { Empty } from "../../components/Empty";
import { ListPanel } from "../../components/ListPanel";
import { NameCell } from "../../components/NameCell";
import { Page } from "../../components/Page";
import { SearchBox } from "../../components/SearchBox";
import { Time } from "../../components/Time";
import { DeleteSecret, SecretForm } from "./dialogs";

type Dialog = { kind: "create" } | { kind: "replace" | "delete"; secret: Secret };

const route = getRouteApi("/app/settings/secrets");

export function Secrets() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(secretsQuery(search));
  const isAdmin = useMay("admin");
  const [dialog, setDialog] = useState<Dialog>();
  const close = () => setDialog(undefined);
  const columns = useMemo(() => columnsFor(isAdmin, setDialog), [isAdmin]);
  const show = (change: SecretsSearch) => void navigate({ search: { ...search, ...change } });
  const type = (change: SecretsSearch) => void navigate({ search: { ...search, ...change, page: undefined }, replace: true });
  return (
    <Page
      title="Secrets"
      description={
        <>
          Values for containers, as <Code>{"${secrets.NAME}"}</Code> in <Code>environment</Code> and <Code>files</Code>. Nobody
          can read them here.
        </>
      }
      actions={
        <>
          <SearchBox label="Name" value={search.name} onSearch={(name) => type({ name })} />
          {isAdmin && (
            <Button leftSection={<PlusIcon />} onClick={() => setDialog({ kind: "create" })}>
              Store a secret
            </Button>
          )}
        </>
      }
    >
      <ListPanel
        label="Secrets"
        columns={columns}
        query={query}
        rowsOf={(data) => data.secrets}
        keyOf={(row) => row.name}
        search={search}
        onSearch={show}
        empty={
          <Empty icon={<LockIcon size={24} />} title={search.name ? "No secret has this in its name" : "No secrets"}>
            {isAdmin ? "Store one, and workflows can use it by its name." : "An admin can store some."}
          </Empty>
        }
      />
      {dialog?.kind === "create" && <SecretForm onClose={close} />}
      {dialog?.kind === "replace" && <SecretForm secret={dialog.secret} onClose={close} />}
      {dialog?.kind === "delete" && <DeleteSecret secret={dialog.secret} onClose={close} />}
    </Page>
  );
}

const COLUMNS: readonly Column<Secret>[] = [
  {
    id: "name",
    label: "Secret",
    sortable: true,
    render: (row) => (
      <NameCell description={row.description}>
        <Text size="sm" fw={550} ff="monospace">
          {row.name}
        </Text>
      </NameCell>
    ),
  },
  { id: "created_at", label: "Stored", sortable: true, wideOnly: true, render: (row) => <Time at={row.created_at} /> },
  { id: "by", label: "By", wideOnly: true, render: (row) => row.created_by },
  { id: "updated_at", label: "Replaced", sortable: true, render: (row) => <Time at={row.updated_at} /> },
];

function columnsFor(isAdmin: boolean, open: (dialog: Dialog) => void): readonly Column<Secret>[] {
  if (!isAdmin) return COLUMNS;
  const actions = actionsColumn<Secret>((row) => row.name, [
    { verb: "Replace", icon: PencilIcon, act: (secret) => open({ kind: "replace", secret }) },
    { verb: "Delete", icon: TrashIcon, act: (secret) => open({ kind: "delete", secret }) },
  ]);
  return [...COLUMNS, actions];
}
