import { Button } from "@mantine/core";
import { KeyIcon, PlusIcon, TrashIcon } from "@primer/octicons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { type ApiToken, type NewApiToken, tokensQuery } from "../../api/tokens";
import { actionsColumn } from "../../components/actionsColumn";
import type { Column } from "../../components/DataTable";
import { Empty } from "../../components/Empty";
import { ListPanel } from "../../components/ListPanel";
import { Page } from "../../components/Page";
import { Time } from "../../components/Time";
import type { ListSearch } from "../../lib/listSearch";
import { NewToken, RevokeToken, TokenForm } from "./dialogs";
import { Expiry } from "./Expiry";

type Dialog = { kind: "create" } | { kind: "made"; token: NewApiToken } | { kind: "revoke"; token: ApiToken };

const route = getRouteApi("/app/settings/tokens");

export function Tokens() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(tokensQuery(search));
  const [dialog, setDialog] = useState<Dialog>();
  const close = () => setDialog(undefined);
  const columns = useMemo(() => columnsFor((token) => setDialog({ kind: "revoke", token })), []);
  const show = (change: ListSearch) => void navigate({ search: { ...search, ...change } });
  const create = (
    <Button leftSection={<PlusIcon />} onClick={() => setDialog({ kind: "create" })}>
      Create a token
    </Button>
  );
  return (
    <Page title="Tokens" description="API tokens for your programs: they may do what you may, or less." actions={create}>
      <ListPanel
        label="Tokens"
        columns={columns}
        query={query}
        rowsOf={(data) => data.tokens}
        keyOf={(row) => row.id}
        search={search}
        onSearch={show}
        empty={
          <Empty icon={<KeyIcon size={24} />} title="No tokens">
            A program signs in with a token instead of your password. It can be revoked at any time.
          </Empty>
        }
      />
      {dialog?.kind === "create" && <TokenForm onMade={(token) => setDialog({ kind: "made", token })} onClose={close} />}
      {dialog?.kind === "made" && <NewToken token={dialog.token} onClose={close} />}
      {dialog?.kind === "revoke" && <RevokeToken token={dialog.token} onClose={close} />}
    </Page>
  );
}

function columnsFor(revoke: (token: ApiToken) => void): readonly Column<ApiToken>[] {
  return [
    { id: "name", label: "Token", sortable: true, render: (row) => row.name },
    { id: "role", label: "Role", render: (row) => row.role },
    {
      id: "expires_at",
      label: "Expires",
      sortable: true,
      render: (row) => (row.expires_at ? <Expiry at={row.expires_at} /> : "never"),
    },
    { id: "used", label: "Last used", render: (row) => <Time at={row.last_used_at} /> },
    { id: "created_at", label: "Created", sortable: true, wideOnly: true, render: (row) => <Time at={row.created_at} /> },
    actionsColumn<ApiToken>((row) => row.name, [{ verb: "Revoke", icon: TrashIcon, act: revoke }]),
  ];
}
