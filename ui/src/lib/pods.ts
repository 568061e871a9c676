import type { components } from "../api/schema";
import { WrongInput } from "./inputs";

type PodsBody = components["schemas"]["PodsBody"];
type Toleration = components["schemas"]["Toleration"];

/** How pods are made, as it is written in a form: words as `kubectl` takes them. */
export interface WrittenPods {
  context: string;
  namespace: string;
  service_account: string;
  /** `name=value` each. */
  node_selector: readonly string[];
  /** `key=value:Effect` each; without a value any is put up with, `*` is any key. */
  tolerations: readonly string[];
  image_pull_secrets: readonly string[];
  priority_class: string;
  runtime_class: string;
  host_paths: boolean;
}

const TAINT = /^(\*|[^=:\s]+)(=[^:\s]*)?(?::(NoSchedule|PreferNoSchedule|NoExecute))?$/;

/** Writes what the API says of an agent's pods; what it does not say is empty. */
export function writePods(pods: Partial<PodsBody> = {}): WrittenPods {
  return {
    context: pods.context ?? "",
    namespace: pods.namespace ?? "",
    service_account: pods.service_account ?? "",
    node_selector: Object.entries(pods.node_selector ?? {}).map(([name, value]) => `${name}=${value}`),
    tolerations: (pods.tolerations ?? []).map(taint),
    image_pull_secrets: pods.image_pull_secrets ?? [],
    priority_class: pods.priority_class ?? "",
    runtime_class: pods.runtime_class ?? "",
    host_paths: pods.host_paths ?? false,
  };
}

/** Reads what was written, without what is empty. Throws `WrongInput` with the field of the API. */
export function readPods(written: WrittenPods): Partial<PodsBody> {
  const { node_selector, tolerations, ...others } = written;
  const read = {
    ...others,
    node_selector: Object.fromEntries(node_selector.map(label)),
    tolerations: tolerations.map(toleration),
  };
  return Object.fromEntries(Object.entries(read).filter(([, value]) => says(value)));
}

function says(value: unknown): boolean {
  return typeof value === "object" && value !== null ? Object.keys(value).length > 0 : Boolean(value);
}

function label(word: string): [string, string] {
  const at = word.indexOf("=");
  if (at < 1) throw new WrongInput("engine.pods.node_selector", `\`${word}\` is not like \`disk=ssd\``);
  return [word.slice(0, at), word.slice(at + 1)];
}

function toleration(word: string): Toleration {
  const [, key, value, effect] = TAINT.exec(word) ?? [];
  if (key === undefined) {
    throw new WrongInput("engine.pods.tolerations", `\`${word}\` is not like \`dedicated=batch:NoSchedule\``);
  }
  return {
    operator: value === undefined ? "Exists" : "Equal",
    ...(key === "*" ? {} : { key }),
    ...(value === undefined || value === "=" ? {} : { value: value.slice(1) }),
    ...(effect === undefined ? {} : { effect: effect as NonNullable<Toleration["effect"]> }),
  };
}

function taint({ key, operator, value, effect }: Toleration): string {
  return `${key ?? "*"}${operator === "Exists" ? "" : `=${value ?? ""}`}${effect ? `:${effect}` : ""}`;
}
