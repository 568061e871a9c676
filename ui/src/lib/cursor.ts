import { isMap, isScalar, parseDocument, visit } from "yaml";

/** Where a cursor stands in a document: in which thing, and what of a word is written. */
export interface Cursor {
  /** Names and indexes from the top to the thing around. With `value`, to what stands there. */
  path: readonly string[];
  /** What can stand there: a name of the thing at `path`, or the value at `path`. */
  kind: "name" | "value";
  /** Where the word begins that is being written. */
  from: number;
  /** The names that the thing around has beside this. */
  siblings: readonly string[];
}

const MARK = "aiopCursor";
const WORD = /[\w$./-]*/;

/**
 * Tells where the cursor is, in YAML and in JSON: a text that is being written has errors, but with a mark in the place
 * of the word it has enough of a tree. `undefined` where that is not so.
 */
export function cursorAt(text: string, position: number): Cursor | undefined {
  const from = position - (/[\w$./-]*$/.exec(text.slice(0, position))?.[0].length ?? 0);
  const before = text.slice(0, from);
  const after = text.slice(position + (WORD.exec(text.slice(position))?.[0].length ?? 0));
  const line = before.slice(before.lastIndexOf("\n") + 1);
  const quote = /["']$/.exec(line)?.[0] ?? "";
  const closes = quote === "" || after.startsWith(quote) ? "" : quote;
  const isName = standsForName(line);
  const written = isName && !/^["']?\s*:/.test(after) ? `${quote}: 0,` : closes;
  const rest = isName && quote !== "" && after.startsWith(quote) && written !== "" ? after.slice(1) : after;
  return find(before + MARK + written + rest, from);
}

/** A line begins with a name, and so does what follows a comma or a brace. */
function standsForName(line: string): boolean {
  if (/^\s*(- +)*["']?$/.test(line)) return true;
  let depth = 0;
  for (let index = line.length - 1; index >= 0; index -= 1) {
    const sign = line.charAt(index);
    if ("}]".includes(sign)) depth += 1;
    else if ("{[".includes(sign)) {
      if (depth === 0) return sign === "{" && !/:\s*["']?$/.test(line);
      depth -= 1;
    }
  }
  return false;
}

function find(text: string, from: number): Cursor | undefined {
  let found: Cursor | undefined;
  const tree = parseDocument(text, { version: "1.2", prettyErrors: false, uniqueKeys: false });
  visit(tree, {
    Scalar(key, node, ancestors) {
      if (typeof node.value !== "string" || !node.value.includes(MARK)) return undefined;
      const path = pathOf([...ancestors, node]);
      const map = ancestors.findLast(isMap);
      const siblings = (map?.items ?? []).map((pair) => (isScalar(pair.key) ? String(pair.key.value) : "")).filter((name) => !name.includes(MARK));
      found = key === "key" ? { path: path.slice(0, -1), kind: "name", from, siblings } : { path, kind: "value", from, siblings: [] };
      return visit.BREAK;
    },
  });
  return found;
}

function pathOf(nodes: readonly unknown[]): string[] {
  const path: string[] = [];
  nodes.forEach((node, index) => {
    const below = nodes[index + 1];
    if (isMap(node)) {
      const pair = below as { key: unknown };
      path.push(isScalar(pair.key) ? String(pair.key.value) : "");
    } else if (typeof node === "object" && node !== null && "items" in node && Array.isArray(node.items)) {
      path.push(String(node.items.indexOf(below)));
    }
  });
  return path;
}
