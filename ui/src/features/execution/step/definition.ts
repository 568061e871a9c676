import type { StepDetail } from "../../../api/executions";

/** As much of a container as is shown; the fields are those of the workflow language. */
export interface ContainerText {
  image?: string;
  command?: string[];
  args?: string[];
  script?: string;
  working_dir?: string;
  user?: string;
  network?: string;
  resources?: Record<string, string | number>;
}

/** The step's own container over what all containers begin with: scalars are overridden. */
export function containerOf({ definition, container_config }: Pick<StepDetail, "definition" | "container_config">): ContainerText {
  const own = definition.container;
  return { ...container_config, ...(typeof own === "object" && own !== null ? own : {}) };
}

/** Writes limits for people. */
export function limitsOf(resources: ContainerText["resources"]): string {
  return Object.entries(resources ?? {})
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}
