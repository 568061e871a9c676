import { describe, expect, it } from "vitest";
import { locate, parse, write } from "./document";

const TEXT = `name: words
steps:
  - id: count
    container:
      image: busybox
      files:
        /etc/a.conf: x
        /etc/a: y
  - {id: report, depends_on: [count]}
`;

function at(text: string, field: string): string {
  const parsed = parse(text);
  if (!parsed.ok) throw new Error("does not parse");
  const { from, to } = locate(parsed.tree, field);
  return text.slice(from, to);
}

describe("locate", () => {
  it("finds what a path means, in YAML and in JSON", () => {
    for (const text of [TEXT, JSON.stringify({ name: "words", steps: [{ id: "count", container: { image: "b" } }] })]) {
      expect(at(text, "steps[0].container.image")).toMatch(/^"?image"?$/);
    }
    expect(at(TEXT, "steps[1].depends_on[0]")).toBe("count");
  });

  it("falls back to what is around it", () => {
    expect(at(TEXT, "steps[1].container.image")).toBe("id");
    expect(at(TEXT, "container_config")).toBe("");
    expect(at(TEXT, "")).toBe("");
  });

  it("takes the longest of the names that have dots", () => {
    expect(at(TEXT, "steps[0].container.files./etc/a.conf")).toBe("/etc/a.conf");
    expect(at(TEXT, "steps[0].container.files[/etc/a]")).toBe("/etc/a");
  });
});

describe("parse", () => {
  it("reads YAML 1.2, in which `no` is a word", () => {
    const parsed = parse("name: no\nsteps: []\nn: 1.0\n");
    expect(parsed.ok && parsed.data).toEqual({ name: "no", steps: [], n: 1 });
  });

  it("says where a text is none", () => {
    const parsed = parse("name: [\n");
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) expect(parsed.findings[0]?.from).toBeGreaterThan(0);
  });

  it("wants names with values, each once", () => {
    expect(parse("- a").ok).toBe(false);
    expect(parse("").ok).toBe(false);
    expect(parse("a: 1\na: 2").ok).toBe(false);
  });
});

it("writes what it reads back, texts of several lines as they are", () => {
  const data = { name: "n", steps: [{ id: "a", container: { script: "one\ntwo\n", image: "1:30" } }] };
  for (const language of ["yaml", "json"] as const) {
    const parsed = parse(write(data, language));
    expect(parsed.ok && parsed.data).toEqual(data);
  }
  expect(write(data, "yaml")).toContain("script: |\n");
});
