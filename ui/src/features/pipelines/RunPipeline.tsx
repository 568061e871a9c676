import { FileInput, Switch } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { executionKeys } from "../../api/executions";
import { executePipeline, type Pipeline } from "../../api/pipelines";
import { FormDialog } from "../../components/FormDialog";
import { InputFields } from "../../components/InputFields";
import { RunOptions } from "../../components/RunOptions";
import { inputsIn } from "../../lib/inputs";
import { optionsIn } from "../../lib/runOptions";
import { inputsOf } from "./definition";
import { ARCHIVES, sourceIn } from "./source";

/** Asks for what an execution of a pipeline needs, executes it, and leads to the execution. */
export function RunPipeline({ pipeline, onClose }: { pipeline: Pipeline; onClose: () => void }) {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const declared = inputsOf(pipeline.pipeline_definition);
  const names = declared ? Object.keys(declared).map((name) => `inputs.${name}`) : ["inputs"];
  const perform = async (form: FormData) => {
    const source = await sourceIn(form);
    const { execution_id: id } = await executePipeline(pipeline.id, {
      inputs: inputsIn(form, declared),
      skip_cache: form.has("skip_cache"),
      ...(source === undefined ? {} : { source_directory: source }),
      ...optionsIn(form),
    });
    void queryClient.invalidateQueries({ queryKey: executionKeys.lists() });
    await navigate({ to: "/executions/$id", params: { id } });
  };
  return (
    <FormDialog title={`Run ${pipeline.name}`} action="Run" size="lg" fields={names} onClose={onClose} perform={perform}>
      {(faultOf) => (
        <>
          <InputFields declared={declared} faultOf={faultOf} />
          <FileInput label="Other files" description={`An archive instead of ${pipeline.source_directory}`} name="archive" accept={ARCHIVES} clearable />
          <Switch label="Run every step, also those whose results are in the cache" name="skip_cache" />
          <RunOptions />
        </>
      )}
    </FormDialog>
  );
}
