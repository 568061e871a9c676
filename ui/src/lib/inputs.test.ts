import { expect, it } from "vitest";
import { controlOf, type Declarations, inputsIn, shownDefault, WrongInput } from "./inputs";

const DECLARED: Declarations = {
  text: { type: "string", required: true },
  limit: { type: "integer", default: 3 },
  dry: { type: "boolean" },
  names: { type: "array", default: ["a"] },
  any: {},
  token: { type: "string", sensitive: true },
};

function form(values: Record<string, string>): FormData {
  const made = new FormData();
  for (const [name, value] of Object.entries(values)) made.set(name, value);
  return made;
}

it("asks for each input as it is declared", () => {
  expect(Object.values(DECLARED).map(controlOf)).toEqual(["text", "number", "choice", "json", "json", "secret"]);
  expect(Object.values(DECLARED).map(shownDefault)).toEqual(["", "3", "", '["a"]', "", ""]);
});

it("gives values with their types, and leaves out what was left empty", () => {
  const given = { "inputs.text": "5", "inputs.limit": "7", "inputs.dry": "false", "inputs.names": '["b"]', "inputs.any": "to be", "inputs.token": "" };
  expect(inputsIn(form(given), DECLARED)).toEqual({ text: "5", limit: 7, dry: false, names: ["b"], any: "to be" });
  expect(inputsIn(form({ "inputs.any": "[1]" }), DECLARED)).toEqual({ any: [1] });
});

it("says which input is not what it should be", () => {
  expect(() => inputsIn(form({ "inputs.names": "b, c" }), DECLARED)).toThrow(WrongInput);
});

it("takes any names with values where nothing is declared", () => {
  expect(inputsIn(form({ inputs: "n: 1\nlist: [a]" }), undefined)).toEqual({ n: 1, list: ["a"] });
  expect(inputsIn(form({ inputs: "" }), undefined)).toEqual({});
  expect(() => inputsIn(form({ inputs: "- a" }), undefined)).toThrow("Must hold names with values");
});
