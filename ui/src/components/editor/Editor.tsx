import { useEffect, useRef } from "react";
import type { EditorView } from "@codemirror/view";
import type { Finding, Language } from "../../lib/document";
import type { Schemas } from "../../lib/schema";
import { createEditor, type Lint, setLanguage } from "./codemirror";
import { setSchemas } from "./completions";
import classes from "./Editor.module.css";

export interface EditorHandle {
  /** Puts the cursor somewhere, and the keyboard into the editor. */
  goTo: (place: { from: number }) => void;
  /** Checks now what would be checked soon. */
  check: () => void;
}

interface EditorProps {
  label: string;
  text: string;
  language: Language;
  /** What may be written, by the names of the API's description; nothing is offered without it. */
  schemas: Schemas | undefined;
  root: string;
  /** Finds what is wrong; asked when the typing pauses. */
  lint: (text: string) => Promise<Finding[]>;
  onChange: (text: string) => void;
  handle: (handle: EditorHandle | undefined) => void;
}

/** A text editor for documents, with what may be written there and what is wrong. `text` replaces its content if it differs. */
export function Editor({ label, text, language, schemas, root, lint, onChange, handle }: EditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const latest = useRef<{ lint: Lint; onChange: (text: string) => void }>({ lint, onChange });
  const start = useRef({ label, text, root });
  useEffect(() => {
    latest.current = { lint, onChange };
  });
  useEffect(() => {
    if (place.current === null) return undefined;
    const made = createEditor(place.current, {
      ...start.current,
      lint: (written) => latest.current.lint(written),
      onChange: (written) => latest.current.onChange(written),
    });
    view.current = made.view;
    handle(made.handle);
    return () => {
      handle(undefined);
      made.view.destroy();
    };
  }, [handle]);
  useEffect(() => {
    if (view.current) setLanguage(view.current, language);
  }, [language]);
  useEffect(() => {
    if (view.current && schemas) setSchemas(view.current, schemas);
  }, [schemas]);
  useEffect(() => {
    const current = view.current;
    if (current === undefined || current.state.doc.toString() === text) return;
    current.dispatch({ changes: { from: 0, to: current.state.doc.length, insert: text } });
  }, [text]);
  return <div ref={place} className={classes.editor} />;
}
