import { Button, Group, Text, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { DownloadIcon } from "@primer/octicons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { download } from "../../api/download";
import { messageOf } from "../../api/errors";
import { executionsQuery } from "../../api/executions";
import { filesQuery } from "../../api/pipelines";
import type { components } from "../../api/schema";
import { bytes } from "../../lib/size";
import { shortId } from "../../lib/words";

type Artifact = components["schemas"]["Artifact"];

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
        <Text size="sm">
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
  const name = artifact.kind === "file" ? artifact.name : `${artifact.name}.tar.gz`;
  const path = `/dagger/executions/${execution}/outputs/${encodeURIComponent(artifact.name)}`;
  const mutation = useMutation({
    mutationFn: () => download(path, name),
    onError: (error) => notifications.show({ color: "red", message: messageOf(error) }),
  });
  return (
    <Button variant="default" leftSection={<DownloadIcon />} loading={mutation.isPending} onClick={() => mutation.mutate()}>
      {name} ({bytes(artifact.size)})
    </Button>
  );
}
