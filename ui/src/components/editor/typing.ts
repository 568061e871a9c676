import type { Transaction } from "@codemirror/state";
import { EditorView } from "@codemirror/view";

/**
 * Puts what is typed in the place of what is selected, before the browser does: it would carry the style of what it
 * takes away by style attributes, which the policy blocks.
 */
export const typing = EditorView.domEventHandlers({
  beforeinput({ inputType, data, isComposing }, view) {
    const { anchorNode, anchorOffset, focusNode, focusOffset } = document.getSelection() ?? {};
    if (inputType !== "insertText" || data === null || isComposing || view.state.selection.ranges.length > 1) return false;
    if (!anchorNode || !focusNode || !view.contentDOM.contains(anchorNode)) return false;
    const ends = [view.posAtDOM(anchorNode, anchorOffset), view.posAtDOM(focusNode, focusOffset)] as const;
    const from = Math.min(...ends);
    const to = Math.max(...ends);
    if (from === to) return false;
    const insert = () => replaced(view, from, to, data);
    const handled = view.state.facet(EditorView.inputHandler).some((handler) => handler(view, from, to, data, insert));
    if (!handled) view.dispatch(insert());
    return true;
  },
});

function replaced({ state }: EditorView, from: number, to: number, text: string): Transaction {
  return state.update({
    changes: { from, to, insert: text },
    selection: { anchor: from + text.length },
    userEvent: "input.type",
    scrollIntoView: true,
  });
}
