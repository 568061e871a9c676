/** A piece of a line in one style. `colour` is a name (`red`, `bright-red`) or a value (`#aabbcc`). */
export interface Span {
  text: string;
  colour?: string | undefined;
  background?: string | undefined;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
}

type Style = Omit<Span, "text">;

const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const CUBE = [0, 95, 135, 175, 215, 255];
// eslint-disable-next-line no-control-regex -- these are what is looked for
const ESCAPE = /\u001b(?:\[([0-9;:]*)([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_]?)/g;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g;
// eslint-disable-next-line no-control-regex
const ANY_CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/;

/** Takes the escape sequences of terminals out of a line (ECMA-48), and what a carriage return has written over. */
export function plain(line: string): string {
  if (!ANY_CONTROL.test(line)) return line;
  return written(line).replace(ESCAPE, "").replace(CONTROL, "");
}

/** Reads colours and styles (SGR) of one line; other sequences are left out. A style ends with its line. */
export function spans(line: string): Span[] {
  const text = written(line);
  if (!text.includes("\u001b")) return [{ text: text.replace(CONTROL, "") }];
  const found: Span[] = [];
  let style: Style = {};
  let last = 0;
  for (const match of text.matchAll(ESCAPE)) {
    push(found, text.slice(last, match.index), style);
    last = match.index + match[0].length;
    if (match[2] === "m") style = styled(style, match[1] ?? "");
  }
  push(found, text.slice(last), style);
  return found;
}

/** A progress bar writes over its line again and again: what stands there in the end counts. */
function written(line: string): string {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line;
  const start = text.lastIndexOf("\r");
  return start < 0 ? text : text.slice(start + 1);
}

function push(found: Span[], raw: string, style: Style): void {
  const text = raw.replace(CONTROL, "");
  if (text) found.push({ text, ...style });
}

function styled(style: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map((code) => (code === "" ? 0 : Number(code)));
  let next = style;
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    if (code === 38 || code === 48) {
      const [colour, used] = extended(codes, at + 1);
      at += used;
      next = { ...next, [code === 38 ? "colour" : "background"]: colour };
    } else next = simple(next, code);
  }
  return next;
}

function simple(style: Style, code: number): Style {
  if (code === 0) return {};
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 3) return { ...style, italic: true };
  if (code === 4) return { ...style, underline: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 23) return { ...style, italic: false };
  if (code === 24) return { ...style, underline: false };
  if (code === 39) return { ...style, colour: undefined };
  if (code === 49) return { ...style, background: undefined };
  if (code >= 30 && code <= 37) return { ...style, colour: NAMES[code - 30] };
  if (code >= 90 && code <= 97) return { ...style, colour: `bright-${NAMES[code - 90]}` };
  if (code >= 40 && code <= 47) return { ...style, background: NAMES[code - 40] };
  if (code >= 100 && code <= 107) return { ...style, background: `bright-${NAMES[code - 100]}` };
  return style;
}

/** Reads `5;N` or `2;R;G;B`; returns how many codes that were. */
function extended(codes: readonly number[], at: number): [string | undefined, number] {
  if (codes[at] === 5) return [indexed(codes[at + 1] ?? 0), 2];
  if (codes[at] === 2) return [hex(codes[at + 1] ?? 0, codes[at + 2] ?? 0, codes[at + 3] ?? 0), 4];
  return [undefined, 0];
}

function indexed(index: number): string | undefined {
  if (index < 8) return NAMES[index];
  if (index < 16) return `bright-${NAMES[index - 8]}`;
  if (index > 255) return undefined;
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return hex(grey, grey, grey);
  }
  const cube = index - 16;
  return hex(CUBE[Math.floor(cube / 36)] ?? 0, CUBE[Math.floor(cube / 6) % 6] ?? 0, CUBE[cube % 6] ?? 0);
}

function hex(...parts: number[]): string {
  return `#${parts.map((part) => Math.min(255, Math.max(0, part)).toString(16).padStart(2, "0")).join("")}`;
}
