import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { createPipeline, pipelineKeys, type PipelineRequest } from "../../api/pipelines";
import { Page } from "../../components/Page";
import { PipelineForm } from "./PipelineForm";

const route = getRouteApi("/app/pipelines/new");

export function NewPipeline() {
  const navigate = route.useNavigate();
  const queryClient = useQueryClient();
  const save = async (request: PipelineRequest) => {
    const made = await createPipeline(request);
    await queryClient.invalidateQueries({ queryKey: pipelineKeys.lists() });
    notifications.show({ message: `Created ${made.name}.` });
    await navigate({ to: "/pipelines/$id", params: { id: made.id }, ignoreBlocker: true });
  };
  return (
    <Page title="New pipeline" above={<Link to="/pipelines">Pipelines</Link>}>
      <PipelineForm action="Create" save={save} cancel={() => void navigate({ to: "/pipelines" })} />
    </Page>
  );
}
