import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { executionQuery } from "../../api/executions";
import { Loaded } from "../../components/Loaded";
import { Page } from "../../components/Page";
import { Status } from "../../components/Status";

const route = getRouteApi("/app/executions/$id");

export function Execution() {
  const { id } = route.useParams();
  const query = useQuery(executionQuery(id));
  return (
    <Loaded query={query}>
      {(execution) => (
        <Page title={execution.id} beside={<Status status={execution.status} />}>
          {Object.keys(execution.steps).length} steps
        </Page>
      )}
    </Loaded>
  );
}
