import { DownloadIcon, FileDirectoryIcon, FileIcon } from "@primer/octicons-react";
import { Button, Title } from "@mantine/core";
import { type Artifact, fileOf, type Graph } from "../../api/executions";
import { NamedValues } from "../../components/NamedValues";
import { useDownload } from "../../components/useDownload";
import { bytes } from "../../lib/size";
import classes from "./Values.module.css";

/** What an execution was given, and what it hands out. */
export function Values({ graph }: { graph: Graph }) {
  return (
    <div className={classes.columns}>
      <section className={`panel ${classes.section}`} aria-label="Inputs">
        <Title order={2}>Inputs</Title>
        <NamedValues values={graph.inputs} none="It was given none." />
      </section>
      <section className={`panel ${classes.section}`} aria-label="Outputs">
        <Title order={2}>Outputs</Title>
        {graph.artifacts && graph.artifacts.length > 0 && (
          <ul className={classes.files}>
            {graph.artifacts.map((artifact) => (
              <File key={artifact.name} execution={graph.id} artifact={artifact} />
            ))}
          </ul>
        )}
        <NamedValues values={graph.outputs} none={graph.artifacts?.length ? undefined : "There are none yet."} />
      </section>
    </div>
  );
}

function File({ execution, artifact }: { execution: string; artifact: Artifact }) {
  const { name, kind, path, size, sha256, step } = artifact;
  const file = fileOf(execution, artifact);
  const saving = useDownload(file.path, file.name);
  return (
    <li className={classes.file}>
      {kind === "file" ? <FileIcon /> : <FileDirectoryIcon />}
      <span className={classes.name} title={`SHA-256 ${sha256}`}>
        <strong>{name}</strong>
        <span>
          {path} after {step} · {bytes(size)}
        </span>
      </span>
      <Button
        size="xs"
        variant="default"
        leftSection={<DownloadIcon />}
        loading={saving.isPending}
        onClick={() => saving.mutate()}
        aria-label={`Download ${name}`}
      >
        Download
      </Button>
    </li>
  );
}
