import { Alert, Button, Group } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useCallback } from "react";
import { messageOf } from "../../api/errors";
import { validateWorkflow } from "../../api/workflows";
import { DefinitionEditor } from "../../components/editor/DefinitionEditor";
import { useDefinition } from "../../components/editor/useDefinition";
import { useUnsaved } from "../../components/useUnsaved";

interface WorkflowEditorProps {
  initial: Record<string, unknown>;
  action: string;
  save: (data: Record<string, unknown>) => Promise<unknown>;
  cancel: () => void;
}

/** Writes a workflow; who leaves with something unsaved is asked. */
export function WorkflowEditor({ initial, action, save, cancel }: WorkflowEditorProps) {
  const check = useCallback((data: Record<string, unknown>) => validateWorkflow(data), []);
  const definition = useDefinition({ initial, check });
  const mutation = useMutation({ mutationFn: save });
  useUnsaved(definition.changed && !mutation.isSuccess && !mutation.isPending);
  const submit = () => {
    const data = definition.read();
    if (data) mutation.mutate(data, { onError: (error) => definition.refused(error) });
  };
  return (
    <>
      <DefinitionEditor label="Definition" root="WorkflowDocument" definition={definition} />
      {mutation.error && (
        <Alert color="red" variant="light" mt="md" title="It is not saved">
          {messageOf(mutation.error)}
        </Alert>
      )}
      <Group justify="flex-end" gap="xs" mt="md">
        <Button variant="default" onClick={cancel}>
          Cancel
        </Button>
        <Button onClick={submit} loading={mutation.isPending}>
          {action}
        </Button>
      </Group>
    </>
  );
}
