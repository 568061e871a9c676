import { Fieldset, FileInput, Group, Select, SimpleGrid, Stack, Switch, TagsInput, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import type { components } from "../../api/schema";
import type { FaultOf } from "../../components/Form";
import { writePods } from "../../lib/pods";
import { ENGINES, type EngineType } from "./engine";

type EngineView = components["schemas"]["EngineView"];

interface EngineFieldsProps {
  current: EngineView | undefined;
  faultOf: FaultOf;
}

/** Asks for the engine of an agent, each type by what it needs. */
export function EngineFields({ current, faultOf }: EngineFieldsProps) {
  const [type, setType] = useState<string | null>(current?.type ?? null);
  const engine = type === null ? undefined : ENGINES[type as EngineType];
  const same = current?.type === type ? current : undefined;
  return (
    <Fieldset legend="Engine">
      <Stack gap="sm">
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
          <Select
            label="Type"
            name="engine.type"
            placeholder="the service's own"
            data={Object.entries(ENGINES).map(([value, { label }]) => ({ value, label }))}
            value={type}
            onChange={setType}
            clearable={current === undefined}
            allowDeselect={false}
            error={faultOf("engine")}
          />
          {engine?.endpoint && (
            <TextInput
              label="Endpoint"
              name="engine.endpoint"
              placeholder="found by default"
              defaultValue={same?.endpoint ?? ""}
              error={faultOf("engine.endpoint")}
            />
          )}
          {type === "kubernetes" && (
            <FileInput
              label="Kubeconfig"
              name="engine.kubeconfig"
              placeholder={same?.tls ? "stays as it is" : "found by default"}
              clearable
              error={faultOf("engine.kubeconfig")}
            />
          )}
        </SimpleGrid>
        <Hint type={type} />
        {type === "docker" && <Certificates stored={same?.tls ?? false} faultOf={faultOf} />}
        {type === "kubernetes" && <Pods pods={same?.pods} faultOf={faultOf} />}
      </Stack>
    </Fieldset>
  );
}

function Hint({ type }: { type: string | null }) {
  const engine = type === null ? undefined : ENGINES[type as EngineType];
  const hint =
    engine?.note ??
    (engine?.endpoint
      ? `An endpoint is ${engine.endpoint}.`
      : type === "kubernetes" && "Without a kubeconfig: the cluster that the service runs in, else its own kubeconfig.");
  return hint ? (
    <Text size="xs" c="dimmed">
      {hint}
    </Text>
  ) : null;
}

function Certificates({ stored, faultOf }: { stored: boolean; faultOf: FaultOf }) {
  const file = (name: string) => ({
    name: `engine.tls.${name}`,
    placeholder: stored ? "stays as it is" : "for TLS",
    clearable: true,
    error: faultOf(`engine.tls.${name}`),
  });
  return (
    <div>
      <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm">
        <FileInput label="ca.pem" {...file("ca")} />
        <FileInput label="cert.pem" {...file("certificate")} />
        <FileInput label="key.pem" {...file("key")} />
      </SimpleGrid>
      {faultOf("engine.tls") && (
        <Text size="xs" c="var(--mantine-color-error)" mt={4}>
          {faultOf("engine.tls")}
        </Text>
      )}
    </div>
  );
}

function Pods({ pods, faultOf }: { pods: EngineView["pods"]; faultOf: FaultOf }) {
  const shown = writePods(pods ?? {});
  const field = (name: keyof typeof shown) => ({ name: `engine.pods.${name}`, error: faultOf(`engine.pods.${name}`) });
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        <TextInput label="Context" placeholder="the current one" defaultValue={shown.context} {...field("context")} />
        <TextInput label="Namespace" placeholder="that of the context" defaultValue={shown.namespace} {...field("namespace")} />
        <TextInput label="Service account" placeholder="default" defaultValue={shown.service_account} {...field("service_account")} />
        <TagsInput label="Image pull secrets" defaultValue={[...shown.image_pull_secrets]} {...field("image_pull_secrets")} />
        <TextInput label="Priority class" defaultValue={shown.priority_class} {...field("priority_class")} />
        <TextInput label="Runtime class" defaultValue={shown.runtime_class} {...field("runtime_class")} />
      </SimpleGrid>
      <TagsInput
        label="Node selector"
        description="disk=ssd; Enter after each"
        defaultValue={[...shown.node_selector]}
        {...field("node_selector")}
      />
      <TagsInput
        label="Tolerations"
        description="dedicated=batch:NoSchedule, or spot for any value and effect; Enter after each"
        defaultValue={[...shown.tolerations]}
        {...field("tolerations")}
      />
      <Group>
        <Switch label="Steps may mount directories of the nodes" name="engine.pods.host_paths" defaultChecked={shown.host_paths} />
      </Group>
    </>
  );
}
