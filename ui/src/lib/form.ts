/** Returns what a field of a form holds; `null` for nothing. */
export function textIn(form: FormData, name: string): string | null {
  const value = form.get(name);
  return typeof value === "string" && value !== "" ? value : null;
}

/** Returns the number in a field; `null` for nothing, and for what is no number. */
export function numberIn(form: FormData, name: string): number | null {
  const text = textIn(form, name);
  const value = text === null ? NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

/** Returns the words of a field of tags. */
export function wordsIn(form: FormData, name: string): string[] {
  return (textIn(form, name) ?? "").split(",").filter((word) => word !== "");
}

/** Returns the text of a file that was chosen in a field; `null` if none was. */
export async function fileIn(form: FormData, name: string): Promise<string | null> {
  const file = form.get(name);
  return file instanceof File && file.size > 0 ? file.text() : null;
}
