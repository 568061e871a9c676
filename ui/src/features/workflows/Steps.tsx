import { Text, Title } from "@mantine/core";
import type { components } from "../../api/schema";
import type { Workflow } from "../../api/workflows";
import { type Column, DataTable } from "../../components/DataTable";
import { Word } from "../../components/Word";

type Step = components["schemas"]["StepDocument"];

const SHOWN = 200;

/** The steps of a workflow as they are written. */
export function Steps({ workflow }: { workflow: Workflow }) {
  const image = workflow.container_config?.image ?? undefined;
  const columns: readonly Column<Step>[] = [
    { id: "id", label: "Step", render: (step) => step.id },
    {
      id: "image",
      label: "Image",
      isPlain: true,
      render: (step) => {
        const own = step.container?.image ?? image;
        return own && <Word>{own}</Word>;
      },
    },
    { id: "after", label: "After", render: (step) => (step.depends_on ?? []).join(", ") },
    { id: "when", label: "When", render: (step) => step.when && <Word>{step.when}</Word> },
  ];
  const more = workflow.steps.length - SHOWN;
  return (
    <div className="panel">
      <Title order={2} px="md" py="sm">
        Steps
      </Title>
      <DataTable label="Steps" columns={columns} rows={workflow.steps.slice(0, SHOWN)} keyOf={(step) => step.id} />
      {more > 0 && <Text size="sm" c="dimmed" p="md">
          and {more} more
        </Text>}
    </div>
  );
}
