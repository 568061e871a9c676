import type { Cursor } from "./cursor";

/** As much of JSON Schema as OpenAPI descriptions of documents use. */
export interface Schema {
  $ref?: string;
  type?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  patternProperties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  required?: string[];
}

/** Something that may stand at a place of a document. */
export interface Offer {
  text: string;
  kind: "name" | "value";
  /** What kind of value it has. */
  detail: string;
  description?: string;
  required: boolean;
  /** It holds names or items of its own. */
  opens?: "map" | "list";
}

export type Schemas = Readonly<Record<string, Schema>>;

const PREFIX = "#/components/schemas/";

/** Returns what the schema lets stand at the cursor; names that are there already are not offered again. */
export function offersAt(schemas: Schemas, root: string, cursor: Cursor): Offer[] {
  const places = cursor.path.reduce(
    (schema: Schema[], name) => schema.flatMap((each) => below(each, name, schemas)),
    plain({ $ref: PREFIX + root }, schemas),
  );
  return places.flatMap((place) => [
    ...(cursor.kind === "name" ? names(place, cursor.siblings, schemas) : []),
    ...(cursor.kind === "value" ? values(place) : []),
  ]);
}

function names(place: Schema, siblings: readonly string[], schemas: Schemas): Offer[] {
  return Object.entries(place.properties ?? {})
    .filter(([name]) => !siblings.includes(name))
    .map(([name, schema]) => {
      const kinds = plain(schema, schemas);
      const opens = kinds.some((kind) => kind.type === "object") ? "map" : kinds.some((kind) => kind.type === "array") ? "list" : undefined;
      const description = schema.description ?? kinds.find((kind) => kind.description)?.description;
      return {
        text: name,
        kind: "name",
        detail: [...new Set(kinds.map(kindOf))].join(" or "),
        required: place.required?.includes(name) ?? false,
        ...(description ? { description } : {}),
        ...(opens ? { opens } : {}),
      };
    });
}

function values(place: Schema): Offer[] {
  const words = place.enum ?? ("const" in place ? [place.const] : place.type === "boolean" ? [true, false] : []);
  return words.map((word) => ({ text: String(word), kind: "value", detail: "", required: false }));
}

function below(schema: Schema, name: string, schemas: Schemas): Schema[] {
  const listed = schema.properties?.[name] ?? (/^\d+$/.test(name) ? schema.items : undefined);
  const [matching] = Object.values(schema.patternProperties ?? {});
  const others = typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
  const found = listed ?? matching ?? others;
  return found ? plain(found, schemas) : [];
}

/** Follows references and choices to what is neither; null is left out, as it stands for a field not given. */
function plain(schema: Schema, schemas: Schemas): Schema[] {
  if (schema.$ref) {
    const named = schemas[schema.$ref.slice(PREFIX.length)];
    return named ? plain(named, schemas) : [];
  }
  if (schema.anyOf) return schema.anyOf.flatMap((each) => plain(each, schemas));
  return schema.type === "null" ? [] : [schema];
}

function kindOf(schema: Schema): string {
  if (schema.enum) return schema.enum.join(" | ");
  return { object: "map", array: "list", string: "text" }[schema.type ?? ""] ?? schema.type ?? "any";
}
