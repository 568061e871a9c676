import { FileInput, Group, NumberInput, SegmentedControl, Switch, Textarea, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { createPipeline, type Pipeline, pipelineKeys, type PipelineRequest, updatePipeline } from "../../api/pipelines";
import { type FaultOf, FormDialog } from "../../components/FormDialog";
import { numberIn, textIn } from "../../lib/form";
import { ARCHIVES, sourceIn } from "./source";

const FIELDS = ["name", "description", "source_directory", "pipeline_definition", "timeout_seconds"];

interface PipelineFormProps {
  /** The one to change; without it another is stored. */
  pipeline?: Pipeline;
  onClose: () => void;
}

/** Stores a pipeline, or changes one. */
export function PipelineForm({ pipeline, onClose }: PipelineFormProps) {
  const queryClient = useQueryClient();
  const perform = async (form: FormData) => {
    const body = await bodyOf(form);
    const made = pipeline ? await updatePipeline(pipeline.id, body) : await createPipeline(body);
    await queryClient.invalidateQueries({ queryKey: pipelineKeys.all });
    notifications.show({ message: `${pipeline ? "Changed" : "Created"} ${made.name}.` });
  };
  return (
    <FormDialog
      title={pipeline ? `Edit ${pipeline.name}` : "New pipeline"}
      action={pipeline ? "Save" : "Create"}
      size="lg"
      fields={FIELDS}
      onClose={onClose}
      perform={perform}
    >
      {(faultOf) => <Fields pipeline={pipeline} faultOf={faultOf} />}
    </FormDialog>
  );
}

async function bodyOf(form: FormData): Promise<PipelineRequest> {
  const source = (await sourceIn(form)) ?? textIn(form, "source_directory");
  const definition = textIn(form, "definition_text") ?? textIn(form, "pipeline_definition");
  return {
    name: textIn(form, "name") ?? "",
    description: textIn(form, "description"),
    caching_enabled: form.has("caching_enabled"),
    timeout_seconds: numberIn(form, "timeout_seconds"),
    ...(source === null ? {} : { source_directory: source }),
    ...(definition === null ? {} : { pipeline_definition: definition }),
  };
}

function Fields({ pipeline, faultOf }: { pipeline: Pipeline | undefined; faultOf: FaultOf }) {
  return (
    <>
      <TextInput label="Name" name="name" required data-autofocus maxLength={255} defaultValue={pipeline?.name} error={faultOf("name")} />
      <Textarea label="Description" name="description" autosize defaultValue={pipeline?.description ?? ""} error={faultOf("description")} />
      <Source current={pipeline?.source_directory} fault={faultOf("source_directory")} />
      <DefinitionFields current={pipeline?.pipeline_definition} fault={faultOf("pipeline_definition")} />
      <Group grow align="end">
        <NumberInput
          label="Time limit of an execution"
          name="timeout_seconds"
          suffix=" s"
          min={0}
          placeholder="none"
          defaultValue={pipeline?.timeout_seconds ?? ""}
          error={faultOf("timeout_seconds")}
        />
        <Switch label="Use results again where nothing changed" name="caching_enabled" defaultChecked={pipeline?.caching_enabled ?? true} pb={8} />
      </Group>
    </>
  );
}

/** Where the files are: on the machine of the service, or in an archive that is sent to it. */
function Source({ current, fault }: { current: string | undefined; fault: string | undefined }) {
  return (
    <Either label="Where the files are" first="A directory of the service" second="Upload an archive">
      <TextInput label="Source" name="source_directory" placeholder="/src" required defaultValue={current} error={fault} />
      <FileInput label="Archive" description="tar, compressed or not, or zip" name="archive" accept={ARCHIVES} required error={fault} />
    </Either>
  );
}

function DefinitionFields({ current, fault }: { current: Pipeline["pipeline_definition"] | undefined; fault: string | undefined }) {
  const inline = current !== undefined && (typeof current !== "string" || current.includes("\n"));
  const text = typeof current === "string" ? current : JSON.stringify(current, null, 2);
  return (
    <Either label="Where the definition is" first="In a file of the source" second="Here" startsWithSecond={inline}>
      <TextInput label="Definition" name="pipeline_definition" required defaultValue={inline ? "pipeline.yaml" : (current ?? "pipeline.yaml")} error={fault} />
      <Textarea
        label="Definition"
        description="YAML"
        name="definition_text"
        required
        autosize
        minRows={6}
        maxRows={20}
        spellCheck={false}
        defaultValue={inline ? text : "steps:\n  - id: build\n    container: {image: \"busybox:1\", script: ls}\n"}
        styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: 13 } }}
        error={fault}
      />
    </Either>
  );
}

interface EitherProps {
  label: string;
  first: string;
  second: string;
  startsWithSecond?: boolean;
  children: readonly [ReactNode, ReactNode];
}

/** One of two fields, with the choice between them; the other is not there, and says nothing. */
function Either({ label, first, second, startsWithSecond = false, children }: EitherProps) {
  const [chosen, choose] = useState(startsWithSecond ? second : first);
  return (
    <div>
      <SegmentedControl size="xs" mb={6} aria-label={label} data={[first, second]} value={chosen} onChange={choose} />
      {children[chosen === first ? 0 : 1]}
    </div>
  );
}
