/** How many items a page of a list has. */
export const PAGE_SIZE = 25;

/** What every list keeps in the address: absent is the first page, in the order of the server. */
export interface ListSearch {
  page?: number | undefined;
  sort?: string | undefined;
}

export interface Sort {
  field: string;
  direction: "asc" | "desc";
}

/** Reads a `ListSearch` of an address; what makes no sense is passed over. */
export function listSearch(search: Record<string, unknown>, fields: readonly string[]): ListSearch {
  const { page, sort } = search;
  const sorted = typeof sort === "string" ? parseSort(sort) : undefined;
  return {
    page: typeof page === "number" && Number.isInteger(page) && page > 1 ? page : undefined,
    sort: sorted && fields.includes(sorted.field) ? `${sorted.field}:${sorted.direction}` : undefined,
  };
}

/** Returns a value of the address if it is one of these words. */
export function oneOf<T extends string>(value: unknown, words: readonly T[]): T | undefined {
  return words.find((word) => word === value);
}

/** Writes a page as the API's parameters. */
export function paging({ page = 1, sort }: ListSearch): { limit: number; offset: number; sort: string | undefined } {
  return { limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE, sort };
}

export function parseSort(sort: string | undefined): Sort | undefined {
  const [field, direction = "asc"] = sort?.split(":") ?? [];
  if (!field || (direction !== "asc" && direction !== "desc")) return undefined;
  return { field, direction };
}

/** What a click on the head of a column makes of the order: down, up, and back to that of the server. */
export function nextSort(sort: string | undefined, field: string): string | undefined {
  const current = parseSort(sort);
  if (current?.field !== field) return `${field}:desc`;
  return current.direction === "desc" ? `${field}:asc` : undefined;
}

/** Returns a text of the address that a list is filtered by, if it says something. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : typeof value === "number" ? String(value) : undefined;
}

/** Returns a number of the address that counts from 1, if it is one. */
export function countOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value > 0 ? value : undefined;
}
