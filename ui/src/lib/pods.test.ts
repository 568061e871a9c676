import { describe, expect, it } from "vitest";
import { readPods, writePods, type WrittenPods } from "./pods";

function written(change: Partial<WrittenPods>): WrittenPods {
  return { ...writePods(), ...change };
}

describe("pods", () => {
  it("are read as they were written", () => {
    const pods = {
      namespace: "batch",
      node_selector: { "kubernetes.io/arch": "arm64", empty: "" },
      tolerations: [
        { operator: "Equal", key: "dedicated", value: "batch", effect: "NoSchedule" },
        { operator: "Exists", key: "spot" },
        { operator: "Exists", effect: "NoExecute" },
        { operator: "Equal", key: "bare" },
      ],
      image_pull_secrets: ["registry"],
      host_paths: true,
    } satisfies Parameters<typeof writePods>[0];
    expect(writePods(pods).tolerations).toEqual(["dedicated=batch:NoSchedule", "spot", "*:NoExecute", "bare="]);
    expect(readPods(writePods(pods))).toEqual(pods);
  });

  it("say nothing where nothing is written", () => {
    expect(readPods(writePods())).toEqual({});
  });

  it("name the field of what cannot be read", () => {
    expect(() => readPods(written({ node_selector: ["ssd"] }))).toThrow(/`ssd` is not like `disk=ssd`/);
    expect(() => readPods(written({ tolerations: ["spot:Never"] }))).toThrow(/spot:Never/);
  });
});
