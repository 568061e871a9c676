import { isMap, isPair, isSeq, type Document, type Node, parseDocument, stringify } from "yaml";

/** A place in a text, as offsets. */
export interface Range {
  from: number;
  to: number;
}

/** Something wrong with a text, and where. */
export interface Finding extends Range {
  message: string;
  /** The dotted path of the field that it is about, if it is about one. */
  field?: string;
}

export type Language = "yaml" | "json";

export type Parsed = { ok: true; data: Record<string, unknown>; tree: Document } | { ok: false; findings: Finding[] };

const LONGEST_LINE = 0;

/** Reads a text as the service reads files: YAML 1.2, of which JSON is a part. It must hold a mapping. */
export function parse(text: string): Parsed {
  const tree = parseDocument(text, { version: "1.2", prettyErrors: false });
  if (tree.errors.length > 0) {
    const findings = tree.errors.map(({ pos, message }) => ({ from: pos[0], to: Math.max(pos[1], pos[0]), message }));
    return { ok: false, findings };
  }
  if (!isMap(tree.contents)) {
    return { ok: false, findings: [{ from: 0, to: text.length, message: "Must hold names with values, like `name: hello`" }] };
  }
  return { ok: true, data: tree.toJS() as Record<string, unknown>, tree };
}

/** Writes data in a language, to be read by people. */
export function write(data: unknown, language: Language): string {
  if (language === "json") return `${JSON.stringify(data, null, 2)}\n`;
  return stringify(data, { version: "1.2", lineWidth: LONGEST_LINE, aliasDuplicateObjects: false });
}

/**
 * Finds the field that a path of the API means (`steps[1].container.image`), or the innermost thing around it that the
 * text does have.
 */
export function locate(tree: Document, field: string): Range {
  let node: unknown = tree.contents;
  let rest = field;
  let found: Range = { from: 0, to: 0 };
  while (rest !== "") {
    const next = child(node, rest);
    if (next === undefined) break;
    ({ range: found, node, rest } = next);
  }
  return found;
}

interface Child {
  range: Range;
  node: unknown;
  rest: string;
}

function child(node: unknown, path: string): Child | undefined {
  const inner = path.startsWith(".") ? path.slice(1) : path;
  if (isMap(node)) {
    const named = node.items.flatMap((pair) => {
      if (!isPair(pair) || !isScalarKey(pair.key)) return [];
      return [{ name: String(pair.key.value), key: pair.key, value: pair.value }];
    });
    // Names may hold dots (those of files, say): the longest that fits is meant.
    named.sort((one, other) => other.name.length - one.name.length);
    for (const { name, key, value } of named) {
      for (const written of [name, `[${name}]`]) {
        const rest = rester(inner, written);
        if (rest !== undefined) return { range: rangeOf(key), node: value, rest };
      }
    }
  }
  if (isSeq(node)) {
    const index = /^\[(\d+)\]/.exec(inner);
    const item = index ? node.items[Number(index[1])] : undefined;
    if (index && item !== undefined) return { range: startOf(item), node: item, rest: inner.slice(index[0].length) };
  }
  return undefined;
}

function rester(path: string, name: string): string | undefined {
  if (!path.startsWith(name)) return undefined;
  const rest = path.slice(name.length);
  return rest === "" || rest.startsWith(".") || rest.startsWith("[") ? rest : undefined;
}

type ScalarKey = Node & { value: unknown };

function isScalarKey(key: unknown): key is ScalarKey {
  return typeof key === "object" && key !== null && "value" in key;
}

function rangeOf(node: unknown): Range {
  const range = (node as Node).range;
  return range ? { from: range[0], to: range[1] } : { from: 0, to: 0 };
}

/** The first name in an item of a list: marking all of it would be too much. */
function startOf(item: unknown): Range {
  if (isMap(item) && item.items[0] && isScalarKey(item.items[0].key)) return rangeOf(item.items[0].key);
  return rangeOf(item);
}
