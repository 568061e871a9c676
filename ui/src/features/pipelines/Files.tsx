import { Button, Group, Text, Title } from "@mantine/core";
import { DownloadIcon } from "@primer/octicons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Artifact, executionsQuery, fileOf } from "../../api/executions";
import { filesQuery } from "../../api/pipelines";
import { useDownload } from "../../components/useDownload";
import { bytes } from "../../lib/size";
import { shortId } from "../../lib/words";

/** The files that the newest successful execution of a pipeline hands out. Nothing if there are none. */
export function Files({ pipeline }: { pipeline: string }) {
  const { data: done } = useQuery(executionsQuery({ pipeline, status: "completed" }, 1));
  const newest = done?.executions[0];
  const { data: artifacts = [] } = useQuery({ ...filesQuery(newest?.id ?? ""), enabled: newest !== undefined });
  if (newest === undefined || artifacts.length === 0) return null;
  return (
    <div className="panel">
      <Group justify="space-between" px="md" pt="sm">
        <Title order={2}>
          Files
        </Title>
        <Text size="sm" c="dimmed">
          <Link to="/executions/$id" params={{ id: newest.id }}>
            of execution {shortId(newest.id)}
          </Link>
        </Text>
      </Group>
      <Group gap="sm" px="md" py="md">
        {artifacts.map((artifact) => (
          <FileButton key={artifact.name} execution={newest.id} artifact={artifact} />
        ))}
      </Group>
    </div>
  );
}

function FileButton({ execution, artifact }: { execution: string; artifact: Artifact }) {
  const { path, name } = fileOf(execution, artifact);
  const saving = useDownload(path, name);
  return (
    <Button variant="default" leftSection={<DownloadIcon />} loading={saving.isPending} onClick={() => saving.mutate()}>
      {name} ({bytes(artifact.size)})
    </Button>
  );
}
