import { notifications } from "@mantine/notifications";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { updateWorkflow, type Workflow, workflowKeys, workflowQuery } from "../../api/workflows";
import { LoadedPage } from "../../components/Loaded";
import { Page } from "../../components/Page";
import { changesTo, definitionOf } from "./definition";
import { WorkflowEditor } from "./WorkflowEditor";

const route = getRouteApi("/app/workflows/$id/edit");

export function EditWorkflow() {
  const { id } = route.useParams();
  const query = useQuery({ ...workflowQuery(id), refetchOnWindowFocus: false });
  return <LoadedPage query={query}>{(workflow) => <Edit workflow={workflow} />}</LoadedPage>;
}

function Edit({ workflow }: { workflow: Workflow }) {
  const navigate = route.useNavigate();
  const queryClient = useQueryClient();
  const before = definitionOf(workflow);
  const back = () => navigate({ to: "/workflows/$id", params: { id: workflow.id }, ignoreBlocker: true });
  const save = async (data: Record<string, unknown>) => {
    const changed = await updateWorkflow(workflow.id, changesTo(before, data));
    await queryClient.invalidateQueries({ queryKey: workflowKeys.all });
    notifications.show({ message: `Saved ${changed.name}. What runs goes on with what it has started with.` });
    await back();
  };
  const above = (
    <>
      <Link to="/workflows">Workflows</Link> /{" "}
      <Link to="/workflows/$id" params={{ id: workflow.id }}>
        {workflow.name}
      </Link>
    </>
  );
  const cancel = () => void navigate({ to: "/workflows/$id", params: { id: workflow.id } });
  return (
    <Page title={`Edit ${workflow.name}`} above={above}>
      <WorkflowEditor initial={before} action="Save" save={save} cancel={cancel} />
    </Page>
  );
}
