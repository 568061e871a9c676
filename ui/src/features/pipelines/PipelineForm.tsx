import { FileInput, NumberInput, SimpleGrid, Stack, Switch, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { type Pipeline, type PipelineRequest, validatePipeline } from "../../api/pipelines";
import { Either } from "../../components/Either";
import { DefinitionEditor } from "../../components/editor/DefinitionEditor";
import { useDefinition } from "../../components/editor/useDefinition";
import { type FaultOf, Form } from "../../components/Form";
import { useUnsaved } from "../../components/useUnsaved";
import { numberIn, textIn } from "../../lib/form";
import { FIRST, isInline } from "./definition";
import { ARCHIVES, sourceIn } from "./source";

const DEFINITION = "pipeline_definition";
const FIELDS = ["name", "description", "source_directory", DEFINITION, "timeout_seconds"];
const SOURCES = ["A directory of the service", "Upload an archive"] as const;
const DEFINITIONS = ["In a file of the source", "Here"] as const;
const FILE = "pipeline.yaml";

interface PipelineFormProps {
  /** The one to change; without it another is stored. */
  pipeline?: Pipeline;
  action: string;
  save: (request: PipelineRequest) => Promise<unknown>;
  cancel: () => void;
}

/** Writes a pipeline: where its files are, and what is done with them. Who leaves with something unsaved is asked. */
export function PipelineForm({ pipeline, action, save, cancel }: PipelineFormProps) {
  const given = pipeline?.pipeline_definition ?? FILE;
  const [place, setPlace] = useState<(typeof DEFINITIONS)[number]>(DEFINITIONS[isInline(given) ? 1 : 0]);
  const definition = useDefinition({ initial: isInline(given) ? given : FIRST, check: validatePipeline, within: DEFINITION });
  const [touched, setTouched] = useState(false);
  useUnsaved(touched || definition.changed);
  const perform = async (form: FormData) => {
    const isHere = place === DEFINITIONS[1];
    if (isHere && definition.read() === undefined) throw new Error("The definition cannot be read");
    const request = { ...(await requestIn(form)), ...(isHere ? { pipeline_definition: definition.text } : {}) };
    await save(request).catch((error: unknown) => {
      if (isHere) definition.refused(error);
      throw error;
    });
  };
  return (
    <div onInput={() => setTouched(true)}>
      <Form action={action} fields={FIELDS} onCancel={cancel} perform={perform}>
        {(faultOf) => (
          <>
            <div className="panel">
              <Stack gap="md" p="md">
                <Fields pipeline={pipeline} faultOf={faultOf} />
              </Stack>
            </div>
            <Either label="Definition" choices={DEFINITIONS} chosen={place} onChoose={setPlace}>
              <TextInput
                label="File"
                description=".yaml or .json, by its path in the source"
                name={DEFINITION}
                required
                defaultValue={isInline(given) ? FILE : given}
                error={faultOf(DEFINITION)}
              />
              <DefinitionEditor label="Definition" root="PipelineDocument" definition={definition} />
            </Either>
          </>
        )}
      </Form>
    </div>
  );
}

async function requestIn(form: FormData): Promise<PipelineRequest> {
  const source = (await sourceIn(form)) ?? textIn(form, "source_directory");
  const definition = textIn(form, DEFINITION);
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
  const [source, setSource] = useState<(typeof SOURCES)[number]>(SOURCES[0]);
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
        <TextInput label="Name" name="name" required autoFocus maxLength={255} defaultValue={pipeline?.name} error={faultOf("name")} />
        <Textarea label="Description" name="description" autosize defaultValue={pipeline?.description ?? ""} error={faultOf("description")} />
      </SimpleGrid>
      <Either label="Files" choices={SOURCES} chosen={source} onChoose={setSource}>
        <TextInput
          label="Directory"
          name="source_directory"
          placeholder="/src"
          required
          defaultValue={pipeline?.source_directory}
          error={faultOf("source_directory")}
        />
        <FileInput
          label="Archive"
          placeholder="tar, compressed or not, or zip"
          name="archive"
          accept={ARCHIVES}
          required
          error={faultOf("source_directory")}
        />
      </Either>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
        <NumberInput
          label="Time limit of an execution"
          name="timeout_seconds"
          suffix=" s"
          min={0}
          placeholder="none"
          defaultValue={pipeline?.timeout_seconds ?? ""}
          error={faultOf("timeout_seconds")}
        />
        <Switch
          label="Use results again where nothing changed"
          name="caching_enabled"
          defaultChecked={pipeline?.caching_enabled ?? true}
          mt={{ base: 0, sm: 30 }}
        />
      </SimpleGrid>
    </>
  );
}
