import { describe, expect, it } from "vitest";
import { shortIds } from "./words";

describe("shortIds", () => {
  it("leaves of ids their ends, of digests their beginnings, and all else as it is", () => {
    const id = "01a20db2-103f-7503-9c34-5c8992f4a91c";
    expect(shortIds(`workflow_id ${id}, digest ${"0123456789abcdef".repeat(4)}`)).toBe("workflow_id 92f4a91c, digest 0123456789ab");
    expect(shortIds("warehouse-password")).toBe("warehouse-password");
    expect(shortIds(`source:${id}`)).toBe("source:92f4a91c");
  });
});
