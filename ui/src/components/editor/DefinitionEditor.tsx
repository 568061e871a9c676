import { Group, Loader, SegmentedControl, Text } from "@mantine/core";
import { CheckCircleFillIcon, XCircleFillIcon } from "@primer/octicons-react";
import { useQuery } from "@tanstack/react-query";
import { schemasQuery } from "../../api/schemas";
import type { Finding } from "../../lib/document";
import { Editor } from "./Editor";
import classes from "./DefinitionEditor.module.css";
import type { Definition } from "./useDefinition";

interface DefinitionEditorProps {
  label: string;
  /** Its name in the API's description. */
  root: string;
  definition: Definition;
}

/** A document to be written as YAML or JSON, with every fault at its place and in a list. */
export function DefinitionEditor({ label, root, definition }: DefinitionEditorProps) {
  const { data: schemas } = useQuery(schemasQuery);
  const { text, language, findings, setText, setLanguage, lint, handle, goTo } = definition;
  return (
    <section className={`panel ${classes.panel}`} aria-label={label}>
      <Group className={classes.bar} justify="space-between" gap="xs">
        <Verdict findings={findings} />
        <SegmentedControl
          size="xs"
          aria-label="Language"
          data={[
            { value: "yaml", label: "YAML" },
            { value: "json", label: "JSON" },
          ]}
          value={language}
          onChange={(value) => setLanguage(value)}
        />
      </Group>
      <Editor
        label={label}
        text={text}
        language={language}
        schemas={schemas}
        root={root}
        lint={lint}
        onChange={setText}
        handle={handle}
      />
      {findings && findings.length > 0 && (
        <ol className={classes.faults} aria-label="Faults">
          {findings.map((finding, index) => (
            <li key={index}>
              <button type="button" onClick={() => goTo(finding)}>
                <span className={classes.line}>Line {lineOf(text, finding)}</span>
                <span>
                  {finding.field && <b>{finding.field}: </b>}
                  {finding.message}
                </span>
              </button>
            </li>
          ))}
        </ol>
      )}
      <p className={classes.keys}>
        Ctrl-Space offers what can be written; Escape, then Tab leaves the editor.
      </p>
    </section>
  );
}

function Verdict({ findings }: { findings: readonly Finding[] | undefined }) {
  const count = findings?.length ?? 0;
  return (
    <Group gap={8} role="status" className={classes.verdict} data-state={findings && (count > 0 ? "faulty" : "valid")}>
      {findings === undefined ? <Loader size={14} color="gray" /> : count > 0 ? <XCircleFillIcon /> : <CheckCircleFillIcon />}
      <Text size="sm" fw={550} c="inherit">
        {findings === undefined ? "Checking" : count === 0 ? "No faults" : count === 1 ? "A fault" : `${count} faults`}
      </Text>
    </Group>
  );
}

function lineOf(text: string, { from }: Finding): number {
  return text.slice(0, from).split("\n").length;
}
