import { Button, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { PencilIcon, PlayIcon, TrashIcon } from "@primer/octicons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import {
  deletePipeline,
  type Pipeline as PipelineData,
  pipelineExecutionsQuery,
  pipelineKeys,
  pipelineQuery,
} from "../../api/pipelines";
import type { components } from "../../api/schema";
import { useMay } from "../../api/session";
import type { Column } from "../../components/DataTable";
import { DeleteDialog } from "../../components/DeleteDialog";
import { EXECUTION_COLUMNS, ExecutionsOf, SHOWN } from "../../components/ExecutionsOf";
import { Facts } from "../../components/Facts";
import { LoadedPage } from "../../components/Loaded";
import { Page } from "../../components/Page";
import { Time } from "../../components/Time";
import { Word } from "../../components/Word";
import { duration } from "../../lib/time";
import { shortIds } from "../../lib/words";
import { CacheHits } from "./CacheHits";
import { Files } from "./Files";
import { isInline } from "./definition";
import { RunPipeline } from "./RunPipeline";

const route = getRouteApi("/app/pipelines/$id");

const COLUMNS: readonly Column<components["schemas"]["ExecutionItem"]>[] = [
  ...EXECUTION_COLUMNS,
  { id: "cached", label: "From the cache", align: "right", render: (row) => <CacheHits steps={row.steps} /> },
];

export function Pipeline() {
  const { id } = route.useParams();
  const query = useQuery(pipelineQuery(id));
  return <LoadedPage query={query}>{(pipeline) => <PipelinePage pipeline={pipeline} />}</LoadedPage>;
}

function PipelinePage({ pipeline }: { pipeline: PipelineData }) {
  const [running, run] = useDisclosure();
  const [deleting, remove] = useDisclosure();
  const mayEdit = useMay("editor");
  const executions = useQuery(pipelineExecutionsQuery(pipeline.id, SHOWN));
  const { pipeline_definition: definition, timeout_seconds: timeout } = pipeline;
  return (
    <Page
      title={pipeline.name}
      description={pipeline.description}
      above={<Link to="/pipelines">Pipelines</Link>}
      actions={
        mayEdit && (
          <>
            <Button component={Link} to={`/pipelines/${pipeline.id}/edit`} variant="default" leftSection={<PencilIcon />}>
              Edit
            </Button>
            <Button variant="default" leftSection={<TrashIcon />} onClick={remove.open}>
              Delete
            </Button>
            <Button leftSection={<PlayIcon />} onClick={run.open}>
              Run
            </Button>
          </>
        )
      }
    >
      <Stack gap="lg">
        <div className="panel">
          <Facts
            facts={{
              Source: <Word title={pipeline.source_directory}>{shortIds(pipeline.source_directory)}</Word>,
              Definition: isInline(definition) ? "stored with it" : <Word>{definition}</Word>,
              Cache: pipeline.caching_enabled ? "on" : "off",
              "Time limit of an execution": timeout === null ? undefined : duration(timeout * 1000),
              Created: <Time at={pipeline.created_at} />,
              Changed: pipeline.updated_at && <Time at={pipeline.updated_at} />,
              Id: <Word>{pipeline.id}</Word>,
            }}
          />
        </div>
        <Files pipeline={pipeline.id} />
        <ExecutionsOf of={{ pipeline: pipeline.id }} query={executions} columns={COLUMNS} />
      </Stack>
      {running && <RunPipeline pipeline={pipeline} onClose={run.close} />}
      {deleting && (
        <DeleteDialog
          name={pipeline.name}
          remove={() => deletePipeline(pipeline.id)}
          list="/pipelines"
          lists={pipelineKeys.lists()}
          one={pipelineKeys.one(pipeline.id)}
          onClose={remove.close}
        >
          <Text size="sm">Its executions go with it, their logs and their files. This cannot be undone.</Text>
        </DeleteDialog>
      )}
    </Page>
  );
}
