import type { components } from "../../api/schema";
import { fileIn, textIn, wordsIn } from "../../lib/form";
import { WrongInput } from "../../lib/inputs";
import { readPods, writePods, type WrittenPods } from "../../lib/pods";

type EngineBody = Pick<components["schemas"]["EngineBody"], "type"> & Partial<components["schemas"]["EngineBody"]>;
type EngineView = components["schemas"]["EngineView"];
/** The fake one is for benchmarks. */
export type EngineType = Exclude<components["schemas"]["EngineType"], "fake">;

interface Engine {
  /** Its name for people. */
  label: string;
  /** How its endpoint may look; it has none without. */
  endpoint?: string;
  /** What there is to know where nothing can be chosen. */
  note?: string;
}

/** The engines that an agent can have. */
export const ENGINES: Readonly<Record<EngineType, Engine>> = {
  docker: { label: "Docker", endpoint: "unix:///run/docker.sock or tcp://host:2376" },
  dagger: { label: "Dagger", endpoint: "tcp://host:8080 or container://name" },
  kubernetes: { label: "Kubernetes" },
  oci: { label: "Embedded", note: "Containers run on the machine of the service itself, without a daemon. Linux only." },
};

/** The fields of the API that the form shows faults at; what is not in a closer one is of the engine as a whole. */
export const ENGINE_FIELDS = [
  "engine.endpoint", "engine.tls.ca", "engine.tls.certificate", "engine.tls.key", "engine.tls", "engine.kubeconfig",
  ...Object.keys(writePods()).map((name) => `engine.pods.${name}`), "engine",
];

/** Returns the engine that a form describes; nothing where it is left as it is, for an engine in use cannot be changed. */
export async function engineIn(form: FormData, current: EngineView | undefined): Promise<EngineBody | undefined> {
  const type = textIn(form, "engine.type") as EngineType | null;
  if (type === null) return undefined;
  const endpoint = textIn(form, "engine.endpoint");
  const written = podsIn(form);
  const kubeconfig = await fileIn(form, "engine.kubeconfig");
  const tls = await tlsIn(form);
  const isThere = current?.type === type && current.endpoint === endpoint;
  const isSame = isThere && JSON.stringify(written) === JSON.stringify(writePods(current.pods ?? {}));
  if (isSame && tls === undefined && kubeconfig === null) return undefined;
  if (current?.tls && current.type === type && !isThere && tls === undefined) {
    throw new WrongInput("engine.tls", "Choose the certificates again: those that are stored are for another endpoint");
  }
  return {
    type,
    ...(endpoint === null ? {} : { endpoint }),
    ...(tls === undefined ? {} : { tls }),
    ...(kubeconfig === null ? {} : { kubeconfig }),
    ...(type === "kubernetes" ? { pods: readPods(written) } : {}),
  };
}

async function tlsIn(form: FormData): Promise<EngineBody["tls"] | undefined> {
  const files = ["ca", "certificate", "key"].map((name) => fileIn(form, `engine.tls.${name}`));
  const [ca, certificate, key] = await Promise.all(files);
  return ca || certificate || key ? { ca: ca ?? "", certificate: certificate ?? "", key: key ?? "" } : undefined;
}

function podsIn(form: FormData): WrittenPods {
  const text = (name: string) => textIn(form, `engine.pods.${name}`) ?? "";
  const words = (name: string) => wordsIn(form, `engine.pods.${name}`);
  return {
    context: text("context"),
    namespace: text("namespace"),
    service_account: text("service_account"),
    node_selector: words("node_selector"),
    tolerations: words("tolerations"),
    image_pull_secrets: words("image_pull_secrets"),
    priority_class: text("priority_class"),
    runtime_class: text("runtime_class"),
    host_paths: form.has("engine.pods.host_paths"),
  };
}
