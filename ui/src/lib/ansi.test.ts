import { expect, it } from "vitest";
import { plain, spans } from "./ansi";

const ESC = "\u001b";

it("leaves a line without sequences alone", () => {
  expect(spans("plain [31m text")).toEqual([{ text: "plain [31m text" }]);
  expect(spans("")).toEqual([{ text: "" }]);
});

it("reads colours and styles until they are reset", () => {
  expect(spans(`a${ESC}[1;31mb${ESC}[22mc${ESC}[0md`)).toEqual([
    { text: "a" },
    { text: "b", bold: true, colour: "red" },
    { text: "c", bold: false, dim: false, colour: "red" },
    { text: "d" },
  ]);
  expect(spans(`${ESC}[92;44mx${ESC}[39;49my${ESC}[mz`)).toEqual([
    { text: "x", colour: "bright-green", background: "blue" },
    { text: "y", colour: undefined, background: undefined },
    { text: "z" },
  ]);
});

it("reads colours by number and by value", () => {
  const colour = (codes: string) => spans(`${ESC}[${codes}mx`)[0]?.colour;
  expect(["38;5;1", "38;5;9", "38;5;16", "38;5;196", "38;5;244", "38;2;1;2;300", "38:2:1:2:3"].map(colour)).toEqual([
    "red", "bright-red", "#000000", "#ff0000", "#808080", "#0102ff", "#010203",
  ]);
  expect(spans(`${ESC}[38;5;1;1mx`)).toEqual([{ text: "x", colour: "red", bold: true }]);
  expect(colour("38;9")).toBeUndefined();
});

it("leaves out what moves a cursor, sets a title, or is cut off", () => {
  const line = `${ESC}]0;title\u0007a${ESC}[2Kb${ESC}[10;3Hc${ESC}(d\u0000\u0008e${ESC}[`;
  expect(plain(line).startsWith("abc")).toBe(true);
  expect(plain(line)).not.toContain(ESC);
  expect(spans(line).map(({ text }) => text).join("")).toBe(plain(line));
});

it("shows of a line that was written over what stands there in the end", () => {
  expect(plain("10%\r50%\r100%")).toBe("100%");
  expect(plain("windows\r")).toBe("windows");
  expect(plain(`10%\r${ESC}[32mdone`)).toBe("done");
});

it("keeps tabs and any letter", () => {
  expect(plain("a\tb ü 漢 🎉")).toBe("a\tb ü 漢 🎉");
});
