import { Group, NumberInput, TagsInput, Textarea, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { type Agent, agentKeys, type AgentRequest, createAgent, updateAgent } from "../../api/agents";
import type { FaultOf } from "../../components/Form";
import { FormDialog } from "../../components/FormDialog";
import { numberIn, textIn, wordsIn } from "../../lib/form";
import { ENGINE_FIELDS, engineIn } from "./engine";
import { EngineFields } from "./EngineFields";

const FIELDS = [
  "name", "description", "capabilities", "max_concurrent_executions", "container_registry", "workflow_directory",
  "timeout_seconds", ...ENGINE_FIELDS,
];
const USUAL = ["containerized_workflow", "dagger_pipeline"];

interface AgentFormProps {
  /** The one to change; without it another is registered. */
  agent?: Agent;
  onClose: () => void;
}

/** Registers an agent, or changes one. */
export function AgentForm({ agent, onClose }: AgentFormProps) {
  const queryClient = useQueryClient();
  const perform = async (form: FormData) => {
    const engine = await engineIn(form, agent?.engine);
    const body: AgentRequest = { ...fieldsIn(form), ...(engine ? { engine } : {}) };
    const made = agent ? await updateAgent(agent.id, body) : await createAgent(body);
    await queryClient.invalidateQueries({ queryKey: agentKeys.all });
    notifications.show({ message: agent ? `Changed ${made.name}.` : `Registered ${made.name}: it is ${made.status}.` });
  };
  return (
    <FormDialog
      title={agent ? `Edit ${agent.name}` : "Register an agent"}
      action={agent ? "Save" : "Register"}
      size="lg"
      fields={FIELDS}
      onClose={onClose}
      perform={perform}
    >
      {(faultOf) => <Fields agent={agent} faultOf={faultOf} />}
    </FormDialog>
  );
}

function fieldsIn(form: FormData): AgentRequest {
  return {
    name: textIn(form, "name") ?? "",
    description: textIn(form, "description"),
    capabilities: wordsIn(form, "capabilities"),
    max_concurrent_executions: numberIn(form, "max_concurrent_executions") ?? 1,
    container_registry: textIn(form, "container_registry"),
    workflow_directory: textIn(form, "workflow_directory"),
    timeout_seconds: numberIn(form, "timeout_seconds"),
  };
}

function Fields({ agent, faultOf }: { agent: Agent | undefined; faultOf: FaultOf }) {
  const text = (name: string) => ({ name, error: faultOf(name) });
  return (
    <>
      <TextInput label="Name" required data-autofocus maxLength={255} defaultValue={agent?.name} {...text("name")} />
      <Textarea label="Description" autosize defaultValue={agent?.description ?? ""} {...text("description")} />
      <TagsInput
        label="Can do"
        description="Workflows and pipelines that require one of these words run here; Enter after each"
        defaultValue={[...(agent?.capabilities ?? USUAL)]}
        data={USUAL}
        {...text("capabilities")}
      />
      <Group grow align="end">
        <NumberInput
          label="Executions at once"
          min={1}
          allowDecimal={false}
          defaultValue={agent?.max_load ?? 10}
          required
          {...text("max_concurrent_executions")}
        />
        <NumberInput
          label="Time limit of an execution"
          suffix=" s"
          min={0}
          placeholder="none"
          defaultValue={agent?.timeout_seconds ?? ""}
          {...text("timeout_seconds")}
        />
      </Group>
      <EngineFields current={agent?.engine} faultOf={faultOf} />
      <Group grow align="start">
        <TextInput
          label="Registry"
          description="Of images that name none"
          placeholder="docker.io"
          defaultValue={agent?.container_registry ?? ""}
          {...text("container_registry")}
        />
        <TextInput
          label="Workflow directory"
          description="Where relative volumes begin"
          placeholder="/workflows"
          defaultValue={agent?.workflow_directory ?? ""}
          {...text("workflow_directory")}
        />
      </Group>
    </>
  );
}
