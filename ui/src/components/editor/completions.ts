import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { StateEffect, StateField } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import { cursorAt } from "../../lib/cursor";
import { type Offer, offersAt, type Schemas } from "../../lib/schema";

const known = StateEffect.define<Schemas>();

/** What may be written, as far as it is known. */
export const schemasOf = StateField.define<Schemas>({
  create: () => ({}),
  update: (before, change) => change.effects.find((effect) => effect.is(known))?.value ?? before,
});

export function setSchemas(view: EditorView, schemas: Schemas): void {
  view.dispatch({ effects: known.of(schemas) });
}

const WORD = /^[\w$./-]*$/;

/** Offers what the schema `root` lets stand at the cursor; ids of steps where steps are named. */
export function completions(root: string): (context: CompletionContext) => CompletionResult | null {
  return (context) => {
    const text = context.state.doc.toString();
    const cursor = cursorAt(text, context.pos);
    if (cursor === undefined) return null;
    const line = context.state.doc.lineAt(context.pos);
    const typed = text.slice(cursor.from, context.pos);
    if (typed === "" && !context.explicit && line.text.trim() === "") return null;
    const isJson = text.trimStart().startsWith("{");
    const indent = /^\s*(- +)*/.exec(line.text)?.[0].length ?? 0;
    const offers = offersAt(context.state.field(schemasOf), root, cursor).map((offer) => completion(offer, isJson, indent));
    const options = cursor.path.includes("depends_on") ? steps(text) : offers;
    return options.length > 0 ? { from: cursor.from, options, validFor: WORD } : null;
  };
}

function completion(offer: Offer, isJson: boolean, indent: number): Completion {
  return {
    label: offer.text,
    type: offer.kind === "name" ? "property" : "enum",
    detail: offer.required ? `${offer.detail}, required` : offer.detail,
    boost: offer.required ? 2 : 0,
    ...(offer.description ? { info: offer.description } : {}),
    ...(offer.kind === "name" && !isJson ? { apply: offer.text + opening(offer, indent) } : {}),
  };
}

/** What follows a name in YAML: the place where its value, or what it holds, is written. */
function opening(offer: Offer, indent: number): string {
  const inner = "\n" + " ".repeat(indent + 2);
  if (offer.opens === "map") return `:${inner}`;
  return offer.opens === "list" ? `:${inner}- ` : ": ";
}

function steps(text: string): Completion[] {
  const ids = [...text.matchAll(/(?:^|[\s{,])"?id"?\s*:\s*"?([A-Za-z_][\w-]*)/g)].map((match) => match[1] ?? "");
  return [...new Set(ids)].map((label) => ({ label, type: "variable", detail: "step" }));
}
