import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cursorAt } from "./cursor";
import { offersAt, type Schemas } from "./schema";

const description = readFileSync(new URL("../../../docs/reference/openapi.json", import.meta.url), "utf8");
const { schemas } = (JSON.parse(description) as { components: { schemas: Schemas } }).components;

/** What is offered where `|` stands. */
function offered(text: string, root = "WorkflowDocument"): string[] {
  const cursor = cursorAt(text.replace("|", ""), text.indexOf("|"));
  return cursor ? offersAt(schemas, root, cursor).map((offer) => offer.text) : [];
}

describe("in YAML", () => {
  it("offers the names of the thing around, without those it has", () => {
    expect(offered("na|")).toContain("name");
    expect(offered("name: x\n|\nsteps: []")).not.toContain("name");
    expect(offered("name: x\nsteps:\n  - id: a\n    |")).toEqual(expect.arrayContaining(["container", "depends_on", "when"]));
    expect(offered("name: x\nsteps:\n  - |")).toContain("id");
    expect(offered("name: x\nsteps:\n  - id: a\n    container:\n      ima|\n      script: y")).toContain("image");
    expect(offered("name: x\nsteps:\n  - id: a\n    container:\n      im|age: y")).toContain("image");
    expect(offered("steps:\n  - {id: a, |}")).toContain("container");
    expect(offered("steps:\n  - {id: a, container: {im|}}")).toContain("image");
    expect(offered("inputs:\n  n:\n    |")).toEqual(expect.arrayContaining(["type", "default", "required"]));
  });

  it("offers the words that a field can have", () => {
    expect(offered("inputs:\n  n: {type: |}")).toContain("integer");
    expect(offered("inputs:\n  n:\n    type: in|")).toContain("integer");
    expect(offered("steps:\n  - id: a\n    retry:\n      on: [|]")).toContain("timeout");
    expect(offered("fail_fast: |")).toEqual(["true", "false"]);
  });

  it("offers nothing where anything can stand", () => {
    expect(offered("name: |")).toEqual([]);
    expect(offered("steps:\n  - id: a\n    container:\n      environment:\n        |")).toEqual([]);
  });
});

describe("in JSON", () => {
  it("offers names and words", () => {
    expect(offered('{\n  "na|"\n}')).toContain("name");
    expect(offered('{\n  "steps": [\n    {\n      "id": "a",\n      "con|"\n    }\n  ]\n}')).toContain("container");
    expect(offered('{"steps": [{"id": "a", "container": {"|"}}]}')).toContain("image");
    expect(offered('{"inputs": {"n": {"type": "|"}}}')).toContain("integer");
    expect(offered('{"inputs": {"n": {"type": "in|"}}}')).toContain("integer");
  });
});

it("knows the documents of pipelines too", () => {
  expect(offered("steps:\n  - id: a\n    |", "PipelineDocument")).toEqual(expect.arrayContaining(["sources", "cache"]));
  expect(offered("outputs:\n  - |", "PipelineDocument")).toEqual(expect.arrayContaining(["path", "step"]));
});
