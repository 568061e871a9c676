import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { createWorkflow, workflowKeys } from "../../api/workflows";
import { Page } from "../../components/Page";
import { FIRST } from "./definition";
import { WorkflowEditor } from "./WorkflowEditor";

const route = getRouteApi("/app/workflows/new");

export function NewWorkflow() {
  const navigate = route.useNavigate();
  const queryClient = useQueryClient();
  const save = async (data: Record<string, unknown>) => {
    const made = await createWorkflow(data);
    await queryClient.invalidateQueries({ queryKey: workflowKeys.lists() });
    notifications.show({ message: `Created ${made.name}.` });
    await navigate({ to: "/workflows/$id", params: { id: made.id }, ignoreBlocker: true });
  };
  return (
    <Page title="New workflow" above={<Link to="/workflows">Workflows</Link>}>
      <WorkflowEditor initial={FIRST} action="Create" save={save} cancel={() => void navigate({ to: "/workflows" })} />
    </Page>
  );
}
