import { PasswordInput, Select, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { type Role } from "../../api/session";
import { createUser, deleteUser, updateUser, type User, userKeys } from "../../api/users";
import { FormDialog } from "../../components/FormDialog";
import { textIn } from "../../lib/form";

const ROLES: readonly { value: Role; label: string }[] = [
  { value: "viewer", label: "viewer: reads" },
  { value: "editor", label: "editor: stores and runs workflows" },
  { value: "admin", label: "admin: all, with users, agents and secrets" },
];

interface UserFormProps {
  /** The one to change; without it another is added. */
  user?: User;
  onClose: () => void;
}

export function UserForm({ user, onClose }: UserFormProps) {
  const queryClient = useQueryClient();
  const perform = async (form: FormData) => {
    const role = textIn(form, "role") as Role;
    const password = textIn(form, "password");
    if (user) await updateUser(user.username, { role, ...(password ? { password } : {}) });
    else await createUser({ username: textIn(form, "username") ?? "", password: password ?? "", role });
    await queryClient.invalidateQueries({ queryKey: userKeys.all });
    notifications.show({ message: user ? `Changed ${user.username}.` : "Added." });
  };
  return (
    <FormDialog
      title={user ? `Edit ${user.username}` : "Add a user"}
      action={user ? "Save" : "Add"}
      fields={["username", "password", "role"]}
      onClose={onClose}
      perform={perform}
    >
      {(faultOf) => (
        <>
          {!user && (
            <TextInput label="Username" name="username" autoComplete="off" required data-autofocus error={faultOf("username")} />
          )}
          <Select
            label="Role"
            name="role"
            data={[...ROLES]}
            defaultValue={user?.role ?? "viewer"}
            allowDeselect={false}
            error={faultOf("role")}
          />
          <PasswordInput
            label={user ? "New password" : "Password"}
            description={user ? "Left empty, it stays as it is" : undefined}
            name="password"
            autoComplete="new-password"
            required={!user}
            error={faultOf("password")}
            visibilityToggleButtonProps={{ "aria-label": "Show the password" }}
          />
          {user && (
            <Text size="sm" c="dimmed">
              Whatever is changed, the user has to sign in again.
            </Text>
          )}
        </>
      )}
    </FormDialog>
  );
}

export function DeleteUser({ user, onClose }: { user: User; onClose: () => void }) {
  const queryClient = useQueryClient();
  const perform = async () => {
    await deleteUser(user.username);
    await queryClient.invalidateQueries({ queryKey: userKeys.all });
  };
  return (
    <FormDialog title={`Delete ${user.username}?`} action="Delete" danger onClose={onClose} perform={perform}>
      {() => <Text size="sm">All tokens of the user are worthless from then on. What the user has made stays.</Text>}
    </FormDialog>
  );
}
