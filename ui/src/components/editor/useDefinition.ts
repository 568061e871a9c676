import { useCallback, useRef, useState } from "react";
import { pause } from "../../api/connection";
import { ApiError, Unreachable } from "../../api/errors";
import { type Finding, type Language, locate, parse, write } from "../../lib/document";
import type { EditorHandle } from "./Editor";

const AGAIN_MS = 2_000;

/** Asks the service about a document; throws an `ApiError` with every fault. */
export type Check = (data: Record<string, unknown>) => Promise<unknown>;

/** A document while it is written: its text, and what is wrong with it. */
export interface Definition {
  text: string;
  language: Language;
  /** `undefined` until it was looked at. */
  findings: readonly Finding[] | undefined;
  changed: boolean;
  setText: (text: string) => void;
  /** Writes what is there in another language; without effect while the text cannot be read. */
  setLanguage: (language: Language) => void;
  lint: (text: string) => Promise<Finding[]>;
  handle: (handle: EditorHandle | undefined) => void;
  goTo: (finding: Finding) => void;
  /** Returns what the text says; where it says nothing, leads there and returns nothing. */
  read: () => Record<string, unknown> | undefined;
  /** Shows what a refusal says at the places that it is about; tells whether it says of any. */
  refused: (error: unknown) => boolean;
}

interface DefinitionOptions {
  /** What is there, as data or as somebody has written it. */
  initial: Record<string, unknown> | string;
  check: Check;
  /** The field that holds the document, where it is saved as a part of something. */
  within?: string;
}

export function useDefinition({ initial, check, within = "" }: DefinitionOptions): Definition {
  const [language, setChosen] = useState<Language>(() => (isJson(initial) ? "json" : "yaml"));
  const [text, setText] = useState(() => (typeof initial === "string" ? initial : write(initial, "yaml")));
  const [saved] = useState(text);
  const [findings, setFindings] = useState<readonly Finding[]>();
  const editor = useRef<EditorHandle>(undefined);
  const looks = useRef(0);

  const lint = useCallback(
    async (written: string) => {
      const look = (looks.current += 1);
      const isLatest = () => look === looks.current;
      const found = await findingsOf(written, check, () => {
        if (isLatest()) setFindings(undefined);
        return isLatest();
      });
      if (isLatest()) setFindings(found);
      return found;
    },
    [check],
  );
  const handle = useCallback((given: EditorHandle | undefined) => {
    editor.current = given;
  }, []);
  const goTo = (finding: Finding) => editor.current?.goTo(finding);
  return {
    text,
    language,
    findings,
    changed: text !== saved,
    setText,
    setLanguage: (chosen) => {
      const parsed = parse(text);
      if (!parsed.ok) return;
      setChosen(chosen);
      setText(write(parsed.data, chosen));
    },
    lint,
    handle,
    goTo,
    read: () => {
      const parsed = parse(text);
      if (parsed.ok) return parsed.data;
      setFindings(parsed.findings);
      if (parsed.findings[0]) goTo(parsed.findings[0]);
      return undefined;
    },
    refused: (error) => {
      const found = refusalIn(text, error, within);
      if (found.length === 0) return false;
      setFindings(found);
      editor.current?.check();
      return true;
    },
  };
}

/** While the service is away nobody knows of faults: `onAway` says whether to ask again. */
async function findingsOf(text: string, check: Check, onAway: () => boolean): Promise<Finding[]> {
  const parsed = parse(text);
  if (!parsed.ok) return parsed.findings;
  for (;;) {
    try {
      await check(parsed.data);
      return [];
    } catch (error) {
      if (!(error instanceof Unreachable) || !onAway()) return refusalIn(text, error);
      await pause(AGAIN_MS);
    }
  }
}

function isJson(initial: Record<string, unknown> | string): boolean {
  return typeof initial === "string" && initial.trimStart().startsWith("{");
}

/** What a refusal says, at its places in the order of the text; nothing where it is not about the text. */
function refusalIn(text: string, error: unknown, within = ""): Finding[] {
  const parsed = parse(text);
  if (!parsed.ok || !(error instanceof ApiError)) return [];
  const found = error.faults
    .filter(({ field }) => field.startsWith(within))
    .map(({ field, message }) => ({ field: field.slice(within.length).replace(/^\./, ""), message }))
    .map(({ field, message }) => ({ ...locate(parsed.tree, field), field, message }));
  return found.sort((one, other) => one.from - other.from);
}
