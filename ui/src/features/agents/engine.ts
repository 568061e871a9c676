import type { components } from "../../api/schema";
import { fileIn, textIn } from "../../lib/form";

type EngineBody = Pick<components["schemas"]["EngineBody"], "type" | "endpoint" | "tls">;
type EngineType = components["schemas"]["EngineType"];
type EngineView = components["schemas"]["EngineView"];

/** The engines that an agent can have, by their names for people. The fake one is for benchmarks. */
export const ENGINES: Record<Exclude<EngineType, "fake">, string> = {
  docker: "Docker",
  dagger: "Dagger",
  kubernetes: "Kubernetes",
  oci: "Embedded",
};

/** Returns the engine that a form describes; nothing where it is left as it is, for an engine in use cannot be changed. */
export async function engineIn(form: FormData, current: EngineView | undefined): Promise<EngineBody | undefined> {
  const type = textIn(form, "engine_type") as EngineType | null;
  if (type === null) return undefined;
  const endpoint = textIn(form, "engine_endpoint");
  const files = ["engine_ca", "engine_certificate", "engine_key"].map((name) => fileIn(form, name));
  const [ca, certificate, key] = await Promise.all(files);
  const tls = ca || certificate || key ? { ca: ca ?? "", certificate: certificate ?? "", key: key ?? "" } : null;
  if (tls === null && current?.type === type && current.endpoint === endpoint) return undefined;
  return { type, endpoint, tls };
}
