import { Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { executionKeys } from "../../api/executions";
import { executeWorkflow, type Workflow } from "../../api/workflows";
import { FormDialog } from "../../components/FormDialog";
import { InputFields } from "../../components/InputFields";
import { RunOptions } from "../../components/RunOptions";
import { type Declarations, inputsIn } from "../../lib/inputs";
import { optionsIn } from "../../lib/runOptions";

/** Asks for the inputs of a workflow, executes it, and leads to the execution. */
export function RunWorkflow({ workflow, onClose }: { workflow: Workflow; onClose: () => void }) {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const declared = (workflow.inputs ?? undefined) as Declarations | undefined;
  const names = Object.keys(declared ?? {}).map((name) => `inputs.${name}`);
  const perform = async (form: FormData) => {
    const body = { inputs: inputsIn(form, declared), ...optionsIn(form) };
    const { execution_id: id } = await executeWorkflow(workflow.id, body);
    void queryClient.invalidateQueries({ queryKey: executionKeys.lists() });
    await navigate({ to: "/executions/$id", params: { id } });
  };
  return (
    <FormDialog title={`Run ${workflow.name}`} action="Run" size="lg" fields={declared ? names : ["inputs"]} onClose={onClose} perform={perform}>
      {(faultOf) => (
        <>
          {declared && names.length === 0 && <Text size="sm">It takes no inputs.</Text>}
          <InputFields declared={declared} faultOf={faultOf} />
          <RunOptions />
        </>
      )}
    </FormDialog>
  );
}
