import { Button, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { HistoryIcon, PencilIcon, PlayIcon, TrashIcon } from "@primer/octicons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { executionsQuery } from "../../api/executions";
import { useMay } from "../../api/session";
import { deleteWorkflow, type Workflow as WorkflowData, workflowKeys, workflowQuery } from "../../api/workflows";
import { DeleteDialog } from "../../components/DeleteDialog";
import { EXECUTION_COLUMNS, ExecutionsOf, SHOWN } from "../../components/ExecutionsOf";
import { Facts } from "../../components/Facts";
import { LoadedPage } from "../../components/Loaded";
import { Page } from "../../components/Page";
import { Status } from "../../components/Status";
import { Time } from "../../components/Time";
import { Word } from "../../components/Word";
import { RunWorkflow } from "./RunWorkflow";
import { Steps } from "./Steps";

const route = getRouteApi("/app/workflows/$id");

export function Workflow() {
  const { id } = route.useParams();
  const query = useQuery(workflowQuery(id));
  return <LoadedPage query={query}>{(workflow) => <WorkflowPage workflow={workflow} />}</LoadedPage>;
}

function WorkflowPage({ workflow }: { workflow: WorkflowData }) {
  const [running, run] = useDisclosure();
  const [deleting, remove] = useDisclosure();
  const mayEdit = useMay("editor");
  const executions = useQuery(executionsQuery({ workflow: workflow.id }, SHOWN));
  // That of its newest execution: what is asked for again anyway tells it first.
  const status = executions.data?.executions[0]?.status ?? workflow.status;
  return (
    <Page
      title={workflow.name}
      description={workflow.description}
      above={<Link to="/workflows">Workflows</Link>}
      beside={<Status status={status} />}
      actions={
        <>
          <Button component={Link} to={`/workflows/${workflow.id}/versions`} variant="default" leftSection={<HistoryIcon />}>
            Versions
          </Button>
          {mayEdit && (
            <>
              <Button component={Link} to={`/workflows/${workflow.id}/edit`} variant="default" leftSection={<PencilIcon />}>
                Edit
              </Button>
              <Button variant="default" leftSection={<TrashIcon />} onClick={remove.open}>
                Delete
              </Button>
              <Button leftSection={<PlayIcon />} onClick={run.open}>
                Run
              </Button>
            </>
          )}
        </>
      }
    >
      <Stack gap="lg">
        <div className="panel">
          <Facts
            facts={{
              Inputs: <Inputs workflow={workflow} />,
              Created: <Time at={workflow.created_at} />,
              Changed: workflow.updated_at && <Time at={workflow.updated_at} />,
              Id: <Word>{workflow.id}</Word>,
            }}
          />
        </div>
        <ExecutionsOf of={{ workflow: workflow.id }} query={executions} columns={EXECUTION_COLUMNS} />
        <Steps workflow={workflow} />
      </Stack>
      {running && <RunWorkflow workflow={workflow} onClose={run.close} />}
      {deleting && (
        <DeleteDialog
          name={workflow.name}
          remove={() => deleteWorkflow(workflow.id)}
          list="/workflows"
          lists={workflowKeys.lists()}
          one={workflowKeys.one(workflow.id)}
          onClose={remove.close}
        >
          <Text size="sm">Its executions go with it, and their logs; those under way are cancelled. This cannot be undone.</Text>
        </DeleteDialog>
      )}
    </Page>
  );
}

function Inputs({ workflow }: { workflow: WorkflowData }) {
  const declared = workflow.inputs;
  if (!declared) return "any";
  const names = Object.keys(declared);
  return names.length > 0 ? names.join(", ") : "none";
}
