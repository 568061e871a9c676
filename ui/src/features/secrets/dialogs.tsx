import { Text, Textarea, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { deleteSecret, putSecret, type Secret, secretKeys } from "../../api/secrets";
import { FormDialog } from "../../components/FormDialog";
import { textIn } from "../../lib/form";

interface SecretFormProps {
  /** The one whose value is replaced; without it another is stored. */
  secret?: Secret;
  onClose: () => void;
}

export function SecretForm({ secret, onClose }: SecretFormProps) {
  const queryClient = useQueryClient();
  const perform = async (form: FormData) => {
    const name = secret?.name ?? textIn(form, "name") ?? "";
    await putSecret(name, { value: textIn(form, "value") ?? "", description: textIn(form, "description") });
    await queryClient.invalidateQueries({ queryKey: secretKeys.all });
    notifications.show({ message: `Stored ${name}.` });
  };
  return (
    <FormDialog
      title={secret ? `Replace ${secret.name}` : "Store a secret"}
      action="Store"
      fields={["name", "value", "description"]}
      onClose={onClose}
      perform={perform}
    >
      {(faultOf) => (
        <>
          {!secret && (
            <TextInput label="Name" name="name" placeholder="API_KEY" autoComplete="off" required data-autofocus error={faultOf("name")} />
          )}
          <Textarea
            label={secret ? "New value" : "Value"}
            description="What starts from now on gets it; it is hidden in all logs"
            name="value"
            autoComplete="off"
            spellCheck={false}
            required
            autosize
            minRows={2}
            maxRows={10}
            styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
            error={faultOf("value")}
          />
          <TextInput label="Description" name="description" defaultValue={secret?.description ?? ""} error={faultOf("description")} />
        </>
      )}
    </FormDialog>
  );
}

export function DeleteSecret({ secret, onClose }: { secret: Secret; onClose: () => void }) {
  const queryClient = useQueryClient();
  const perform = async () => {
    await deleteSecret(secret.name);
    await queryClient.invalidateQueries({ queryKey: secretKeys.all });
  };
  return (
    <FormDialog title={`Delete ${secret.name}?`} action="Delete" danger onClose={onClose} perform={perform}>
      {() => <Text size="sm">Workflows that need it can be executed no more, and steps that start later fail.</Text>}
    </FormDialog>
  );
}
