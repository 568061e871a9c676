import { notifications } from "@mantine/notifications";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type Pipeline, pipelineKeys, pipelineQuery, type PipelineRequest, updatePipeline } from "../../api/pipelines";
import { LoadedPage } from "../../components/Loaded";
import { Page } from "../../components/Page";
import { PipelineForm } from "./PipelineForm";

const route = getRouteApi("/app/pipelines/$id/edit");

export function EditPipeline() {
  const { id } = route.useParams();
  const query = useQuery({ ...pipelineQuery(id), refetchOnWindowFocus: false });
  return <LoadedPage query={query}>{(pipeline) => <Edit pipeline={pipeline} />}</LoadedPage>;
}

function Edit({ pipeline }: { pipeline: Pipeline }) {
  const navigate = route.useNavigate();
  const queryClient = useQueryClient();
  const there = { to: "/pipelines/$id", params: { id: pipeline.id } } as const;
  const save = async (request: PipelineRequest) => {
    const changed = await updatePipeline(pipeline.id, request);
    await queryClient.invalidateQueries({ queryKey: pipelineKeys.all });
    notifications.show({ message: `Saved ${changed.name}. What runs goes on with what it has started with.` });
    await navigate({ ...there, ignoreBlocker: true });
  };
  const above = (
    <>
      <Link to="/pipelines">Pipelines</Link> / <Link {...there}>{pipeline.name}</Link>
    </>
  );
  return (
    <Page title={`Edit ${pipeline.name}`} above={above}>
      <PipelineForm pipeline={pipeline} action="Save" save={save} cancel={() => void navigate(there)} />
    </Page>
  );
}
