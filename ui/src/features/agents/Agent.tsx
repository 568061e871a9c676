import { Alert, Button, Checkbox, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { AlertIcon, PencilIcon, TrashIcon } from "@primer/octicons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { type Agent as AgentData, agentKeys, agentQuery, deleteAgent } from "../../api/agents";
import { useMay } from "../../api/session";
import { DeleteDialog } from "../../components/DeleteDialog";
import { Facts } from "../../components/Facts";
import { Load } from "../../components/Load";
import { LoadedPage } from "../../components/Loaded";
import { Page } from "../../components/Page";
import { Time } from "../../components/Time";
import { Word } from "../../components/Word";
import { writePods } from "../../lib/pods";
import { duration } from "../../lib/time";
import { AgentForm } from "./AgentForm";
import { AgentHealth } from "./AgentHealth";
import { Capabilities } from "./Capabilities";
import { ENGINES } from "./engine";

const route = getRouteApi("/app/agents/$id");

export function Agent() {
  const { id } = route.useParams();
  const query = useQuery(agentQuery(id));
  return <LoadedPage query={query}>{(agent) => <AgentPage agent={agent} />}</LoadedPage>;
}

function AgentPage({ agent }: { agent: AgentData }) {
  const [editing, edit] = useDisclosure();
  const [deleting, remove] = useDisclosure();
  const isAdmin = useMay("admin");
  const { engine } = agent;
  return (
    <Page
      title={agent.name}
      description={agent.description}
      above={<Link to="/agents">Agents</Link>}
      beside={<AgentHealth status={agent.status} />}
      actions={
        isAdmin && (
          <>
            <Button variant="default" leftSection={<PencilIcon />} onClick={edit.open}>
              Edit
            </Button>
            <Button variant="default" leftSection={<TrashIcon />} onClick={remove.open}>
              Delete
            </Button>
          </>
        )
      }
    >
      {agent.error && (
        <Alert color="red" variant="light" mb="md" icon={<AlertIcon />} title="Its engine is in trouble">
          <Text size="sm">{agent.error}</Text>
        </Alert>
      )}
      <div className="panel">
        <Facts
          facts={{
            Load: <Load value={agent.current_load} of={agent.max_load} />,
            "Can do": <Capabilities words={agent.capabilities} />,
            Engine: [nameOf(engine.type), engine.version].filter(Boolean).join(" "),
            ...placeOf(engine),
            "Last seen": <Time at={agent.last_seen_at} />,
            Registry: agent.container_registry && <Word>{agent.container_registry}</Word>,
            "Workflow directory": agent.workflow_directory && <Word>{agent.workflow_directory}</Word>,
            "Time limit of an execution": agent.timeout_seconds && duration(agent.timeout_seconds * 1000),
            Registered: <Time at={agent.created_at} />,
            Id: <Word>{agent.id}</Word>,
          }}
        />
      </div>
      {editing && <AgentForm agent={agent} onClose={edit.close} />}
      {deleting && <DeleteAgent agent={agent} onClose={remove.close} />}
    </Page>
  );
}

function nameOf(type: AgentData["engine"]["type"]): string {
  return type === "fake" ? type : ENGINES[type].label;
}

/** Where an engine is, in the words of its type. */
function placeOf({ type, endpoint, tls, pods }: AgentData["engine"]): Record<string, ReactNode> {
  if (type === "oci") return {};
  if (type !== "kubernetes") {
    return { Endpoint: endpoint ? <Word>{endpoint}</Word> : "found by default", TLS: tls && "by certificates" };
  }
  const { context, namespace, service_account, node_selector, tolerations, image_pull_secrets, ...others } = writePods(pods ?? {});
  const words = (list: readonly string[]) => list.length > 0 && <Capabilities words={list} />;
  return {
    Kubeconfig: tls ? "stored" : "found by default",
    Context: context,
    Namespace: namespace,
    "Service account": service_account,
    "Node selector": words(node_selector),
    Tolerations: words(tolerations),
    "Image pull secrets": words(image_pull_secrets),
    "Priority class": others.priority_class,
    "Runtime class": others.runtime_class,
    "Directories of nodes": others.host_paths && "may be mounted",
  };
}

function DeleteAgent({ agent, onClose }: { agent: AgentData; onClose: () => void }) {
  const load = agent.current_load;
  return (
    <DeleteDialog
      name={agent.name}
      remove={(form) => deleteAgent(agent.id, form.has("force"))}
      list="/agents"
      lists={agentKeys.lists()}
      one={agentKeys.one(agent.id)}
      onClose={onClose}
    >
      {load === 0 ? (
        <Text size="sm">Nothing runs on it. New executions go to other agents, or wait for one.</Text>
      ) : (
        <>
          <Text size="sm">
            {load === 1 ? "An execution is" : `${load} executions are`} on it. Wait until nothing runs there, or delete it by
            force.
          </Text>
          <Checkbox name="force" label="By force: what is on it fails, unless it goes on elsewhere" />
        </>
      )}
    </DeleteDialog>
  );
}
