import { expect, it } from "vitest";
import { fileIn, numberIn, textIn, wordsIn } from "./form";

const form = new FormData();
form.set("name", "local");
form.set("empty", "");
form.set("limit", "2.5");
form.set("words", "gpu,arm");
form.set("file", new File(["text"], "a.pem"));
form.set("none", new File([], ""));

it("tells what is there from what is not", () => {
  expect([textIn(form, "name"), textIn(form, "empty"), textIn(form, "other"), textIn(form, "file")]).toEqual(["local", null, null, null]);
});

it("reads numbers, and nothing that is none", () => {
  expect([numberIn(form, "limit"), numberIn(form, "name"), numberIn(form, "empty")]).toEqual([2.5, null, null]);
});

it("reads tags and files", async () => {
  expect([wordsIn(form, "words"), wordsIn(form, "empty")]).toEqual([["gpu", "arm"], []]);
  expect([await fileIn(form, "file"), await fileIn(form, "none"), await fileIn(form, "name")]).toEqual(["text", null, null]);
});
