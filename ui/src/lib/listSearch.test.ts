import { describe, expect, it } from "vitest";
import { listSearch, nextSort, oneOf, paging } from "./listSearch";

describe("listSearch", () => {
  it("passes over what makes no sense", () => {
    for (const page of [0, 1, -3, 2.5, "2", null]) expect(listSearch({ page }, []).page).toBeUndefined();
    for (const sort of ["id:up", "other:asc", ":asc", "", 7]) expect(listSearch({ sort }, ["id"]).sort).toBeUndefined();
  });

  it("keeps a page and an order that the list has", () => {
    expect(listSearch({ page: 3, sort: "id" }, ["id"])).toEqual({ page: 3, sort: "id:asc" });
  });

  it("asks the server for the part", () => {
    expect(paging({})).toEqual({ limit: 25, offset: 0, sort: undefined });
    expect(paging({ page: 3, sort: "id:desc" })).toEqual({ limit: 25, offset: 50, sort: "id:desc" });
  });
});

it("sorts down, then up, then as the server does", () => {
  expect(nextSort(undefined, "id")).toBe("id:desc");
  expect(nextSort("id:desc", "id")).toBe("id:asc");
  expect(nextSort("id:asc", "id")).toBeUndefined();
  expect(nextSort("id:asc", "name")).toBe("name:desc");
});

it("takes no word that is not one of the list", () => {
  expect(oneOf("failed", ["failed"])).toBe("failed");
  expect(oneOf("toString", ["failed"])).toBeUndefined();
});
