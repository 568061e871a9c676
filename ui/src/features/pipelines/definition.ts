import type { Pipeline } from "../../api/pipelines";
import { parse } from "../../lib/document";
import type { Declarations } from "../../lib/inputs";

type Given = Pipeline["pipeline_definition"];

/** Whether a definition is the document itself, as data or as text; else it is the name of a file in the source. */
export function isInline(definition: Given): definition is Exclude<Given, string> | `${string}\n${string}` {
  return typeof definition !== "string" || definition.includes("\n") || definition.trimStart().startsWith("{");
}

/** What a definition declares as inputs. What a file in the source declares is not known: the service says what does not fit. */
export function inputsOf(definition: Given): Declarations | undefined {
  if (!isInline(definition)) return undefined;
  const parsed = typeof definition === "string" ? parse(definition) : { ok: true as const, data: definition };
  return parsed.ok ? ((parsed.data.inputs ?? undefined) as Declarations | undefined) : undefined;
}

/** Where somebody begins who has written none yet. */
export const FIRST = `# What each step changes in its directory, the steps after it see.
container_config:
  image: busybox:1

steps:
  - id: build
    container:
      script: |
        find . -type f | sort > files.txt

outputs:
  - {name: files.txt, path: files.txt}
`;
