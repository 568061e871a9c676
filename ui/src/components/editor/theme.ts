import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** Colours by variables (Editor.module.css), so that they follow the scheme. */
const theme = EditorView.theme({
  "&": { fontSize: "13px", color: "var(--mantine-color-text)", backgroundColor: "var(--mantine-color-body)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mantine-font-family-monospace)", lineHeight: "1.6" },
  ".cm-content": { padding: "10px 0", caretColor: "var(--mantine-color-text)" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--mantine-color-text)" },
  ".cm-gutters": { color: "var(--mantine-color-dimmed)", backgroundColor: "transparent", border: "0" },
  ".cm-activeLine": { backgroundColor: "var(--code-line)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--code-selection)",
  },
  ".cm-selectionMatch": { backgroundColor: "var(--code-match)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--code-match)" },
  ".cm-tooltip": {
    color: "var(--mantine-color-text)",
    backgroundColor: "var(--mantine-color-body)",
    border: "1px solid var(--border-strong)",
    borderRadius: "8px",
    boxShadow: "0 8px 24px rgb(10 14 30 / 16%)",
    overflow: "hidden",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mantine-font-family-monospace)", maxHeight: "16em" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "3px 10px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    color: "var(--mantine-color-text)",
    backgroundColor: "var(--code-selection)",
  },
  ".cm-completionDetail": { color: "var(--mantine-color-dimmed)", fontStyle: "normal" },
  ".cm-completionInfo": { maxWidth: "320px", padding: "8px 12px", fontFamily: "var(--mantine-font-family)" },
  ".cm-diagnostic": { padding: "6px 12px", borderLeft: "3px solid var(--status-failed)", fontFamily: "var(--mantine-font-family)" },
  ".cm-panels": { color: "var(--mantine-color-text)", backgroundColor: "var(--surface-sunken)" },
  ".cm-panels.cm-panels-top": { borderBottom: "1px solid var(--border)" },
  ".cm-textfield": { backgroundColor: "var(--mantine-color-body)", border: "1px solid var(--border-strong)" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "var(--surface-hover)", border: "1px solid var(--border-strong)" },
  ".cm-foldPlaceholder": { color: "inherit", backgroundColor: "var(--code-match)", border: "0" },
  ".cm-changedLine": { backgroundColor: "var(--code-added) !important" },
  "&.cm-merge-a .cm-changedLine": { backgroundColor: "var(--code-removed) !important" },
  "&.cm-merge-a .cm-changedText": { background: "var(--code-removed-text) !important" },
  ".cm-deletedChunk": { backgroundColor: "var(--code-removed)" },
  ".cm-changedText": { background: "var(--code-added-text) !important" },
  ".cm-deletedChunk .cm-deletedText": { background: "var(--code-removed-text) !important" },
  ".cm-collapsedLines": {
    color: "var(--mantine-color-dimmed)",
    background: "var(--surface-sunken)",
    padding: "6px 16px",
  },
  // Signs that few fonts have.
  ".cm-collapsedLines:before, .cm-collapsedLines:after": { content: "none" },
});

const style = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--code-name)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--code-text)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword, tags.atom], color: "var(--code-word)" },
  { tag: [tags.comment, tags.meta], color: "var(--mantine-color-dimmed)" },
  { tag: [tags.separator, tags.punctuation, tags.brace, tags.squareBracket], color: "var(--mantine-color-dimmed)" },
]);

export const appearance = [theme, syntaxHighlighting(style)];
