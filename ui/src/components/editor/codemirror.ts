import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from "@codemirror/language";
import { type Diagnostic, forceLinting, linter, lintGutter, lintKeymap } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import type { Finding, Language } from "../../lib/document";
import { nonce } from "../../lib/nonce";
import { completions, schemasOf } from "./completions";
import type { EditorHandle } from "./Editor";
import { appearance } from "./theme";
import { typing } from "./typing";

export type Lint = (text: string) => Promise<Finding[]>;

interface EditorOptions {
  label: string;
  text: string;
  root: string;
  lint: Lint;
  onChange: (text: string) => void;
}

const PAUSE_MS = 400;
const LANGUAGES = { yaml: yaml(), json: json() };

const language = new Compartment();

/** What a text needs to be read with comfort, whether or not it can be changed. */
export const reading = [
  EditorView.cspNonce.of(nonce()),
  lineNumbers(),
  drawSelection(),
  bracketMatching(),
  EditorView.lineWrapping,
  appearance,
];

export function createEditor(parent: HTMLElement, options: EditorOptions): { view: EditorView; handle: EditorHandle } {
  const state = EditorState.create({
    doc: options.text,
    extensions: [
      reading,
      foldGutter(),
      history(),
      indentUnit.of("  "),
      indentOnInput(),
      closeBrackets(),
      typing,
      highlightActiveLine(),
      highlightSelectionMatches(),
      search({ top: true }),
      schemasOf,
      language.of(LANGUAGES.yaml),
      autocompletion({ override: [completions(options.root)], icons: false }),
      linter(async (view) => diagnostics(await options.lint(view.state.doc.toString()), view), { delay: PAUSE_MS }),
      lintGutter(),
      // Escape, then Tab leaves the editor: who uses the keyboard alone is not caught in it.
      keymap.of([
        ...closeBracketsKeymap, ...completionKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...lintKeymap,
        ...defaultKeymap, indentWithTab,
      ]),
      EditorView.contentAttributes.of({ "aria-label": options.label, spellcheck: "false" }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) options.onChange(update.state.doc.toString());
      }),
    ],
  });
  const view = new EditorView({ state, parent });
  const handle = {
    goTo: ({ from }: { from: number }) => {
      const anchor = Math.min(from, view.state.doc.length);
      view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
      view.focus();
    },
    check: () => forceLinting(view),
  };
  return { view, handle };
}

export function setLanguage(view: EditorView, chosen: Language): void {
  view.dispatch({ effects: language.reconfigure(LANGUAGES[chosen]) });
}

function diagnostics(findings: readonly Finding[], view: EditorView): Diagnostic[] {
  const end = view.state.doc.length;
  return findings.map(({ from, to, message }) => ({
    from: Math.min(from, end),
    to: Math.min(Math.max(to, from), end),
    severity: "error",
    message,
  }));
}
