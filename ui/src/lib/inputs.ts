import { textIn } from "./form";
import { parse } from "./document";

/** What a workflow says of an input. */
export interface Declaration {
  type?: string | null;
  default?: unknown;
  required?: boolean | null;
  description?: string | null;
  sensitive?: boolean | null;
}

export type Declarations = Readonly<Record<string, Declaration>>;

/** A text that is not what its input is declared to be. */
export class WrongInput extends Error {
  readonly field: string;

  constructor(field: string, message: string) {
    super(message);
    this.name = "WrongInput";
    this.field = field;
  }
}

/** How an input is asked for. */
export type Control = "text" | "secret" | "number" | "choice" | "json";

export function controlOf({ type, sensitive }: Declaration): Control {
  if (type === "boolean") return "choice";
  if (type === "number" || type === "integer") return "number";
  if (type === "string" || type === undefined || type === null) return sensitive ? "secret" : type === "string" ? "text" : "json";
  return "json";
}

/** How a default is written where nothing was given. */
export function shownDefault({ default: value }: Declaration): string {
  return value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
}

/** Reads the inputs that a form gives; what is left empty is left to its default. Throws `WrongInput`. */
export function inputsIn(form: FormData, declared: Declarations | undefined): Record<string, unknown> {
  if (declared === undefined) return freeInputs(form);
  const given = Object.entries(declared).flatMap(([name, declaration]) => {
    const text = textIn(form, `inputs.${name}`);
    return text === null ? [] : [[name, valueOf(name, declaration, text)] as const];
  });
  return Object.fromEntries(given);
}

function valueOf(name: string, declaration: Declaration, text: string): unknown {
  switch (controlOf(declaration)) {
    case "text":
    case "secret":
      return text;
    case "number":
      return Number(text);
    case "choice":
      return text === "true";
    case "json":
      return json(name, declaration, text);
  }
}

/** Reads JSON; where any value may stand, what is no JSON is a text. */
function json(name: string, { type }: Declaration, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    if (type === undefined || type === null) return text;
    throw new WrongInput(`inputs.${name}`, "Is not JSON");
  }
}

function freeInputs(form: FormData): Record<string, unknown> {
  const text = textIn(form, "inputs");
  if (text === null || text.trim() === "") return {};
  const parsed = parse(text);
  if (parsed.ok) return parsed.data;
  throw new WrongInput("inputs", parsed.findings[0]?.message ?? "Must hold names with values");
}
