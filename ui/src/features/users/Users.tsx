import { Button } from "@mantine/core";
import { PencilIcon, PeopleIcon, PlusIcon, TrashIcon } from "@primer/octicons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useSession } from "../../api/session";
import { type User, usersQuery } from "../../api/users";
import { actionsColumn } from "../../components/actionsColumn";
import type { Column } from "../../components/DataTable";
import { Empty } from "../../components/Empty";
import { ListPanel } from "../../components/ListPanel";
import { Page } from "../../components/Page";
import { Time } from "../../components/Time";
import type { ListSearch } from "../../lib/listSearch";
import { DeleteUser, UserForm } from "./dialogs";

type Dialog = { kind: "create" } | { kind: "edit" | "delete"; user: User };

const route = getRouteApi("/app/settings/users");

export function Users() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(usersQuery(search));
  const session = useSession();
  const [dialog, setDialog] = useState<Dialog>();
  const close = () => setDialog(undefined);
  const me = session.status === "in" ? session.username : "";
  const columns = useMemo(() => columnsFor(me, setDialog), [me]);
  const show = (change: ListSearch) => void navigate({ search: { ...search, ...change } });
  return (
    <Page
      title="Users"
      actions={
        <Button leftSection={<PlusIcon />} onClick={() => setDialog({ kind: "create" })}>
          Add a user
        </Button>
      }
    >
      <ListPanel
        label="Users"
        columns={columns}
        query={query}
        rowsOf={(data) => data.users}
        keyOf={(row) => row.username}
        search={search}
        onSearch={show}
        empty={<Empty icon={<PeopleIcon size={24} />} title="No users" />}
      />
      {dialog?.kind === "create" && <UserForm onClose={close} />}
      {dialog?.kind === "edit" && <UserForm user={dialog.user} onClose={close} />}
      {dialog?.kind === "delete" && <DeleteUser user={dialog.user} onClose={close} />}
    </Page>
  );
}

function columnsFor(me: string, open: (dialog: Dialog) => void): readonly Column<User>[] {
  return [
    {
      id: "username",
      label: "User",
      sortable: true,
      render: (row) => (row.username === me ? `${row.username} (you)` : row.username),
    },
    { id: "role", label: "Role", sortable: true, render: (row) => row.role },
    { id: "created_at", label: "Added", sortable: true, render: (row) => <Time at={row.created_at} /> },
    actionsColumn<User>((row) => row.username, [
      { verb: "Edit", icon: PencilIcon, act: (user) => open({ kind: "edit", user }) },
      { verb: "Delete", icon: TrashIcon, act: (user) => open({ kind: "delete", user }) },
    ]),
  ];
}
