import { expect, it } from "vitest";
import { optionsIn } from "./runOptions";

it("says what was given and nothing else", () => {
  const form = new FormData();
  expect(optionsIn(form)).toEqual({});
  form.set("container_registry", "ghcr.io");
  form.set("registry_username", "ann");
  form.set("registry_password", "secret");
  form.set("default_timeout", "60");
  form.set("requires", "gpu,arm");
  expect(optionsIn(form)).toEqual({
    container_registry: "ghcr.io",
    container_credentials: { username: "ann", password: "secret" },
    workflow_defaults: { inputs: { default_timeout: 60 } },
    requires: ["gpu", "arm"],
  });
});
