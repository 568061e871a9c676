import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { yaml } from "@codemirror/lang-yaml";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import classes from "./Editor.module.css";
import { reading } from "./codemirror";

interface DifferenceProps {
  before: string;
  after: string;
  labels: readonly [string, string];
  /** Beside each other; else one below the other. */
  wide: boolean;
}

const UNCHANGED = { margin: 3, minSize: 6 };

/** Two texts, and what has changed from one to the other. What is the same in both is folded. */
export function Difference({ before, after, labels, wide }: DifferenceProps) {
  const place = useRef<HTMLDivElement>(null);
  const [first, second] = labels;
  useEffect(() => {
    if (place.current === null) return undefined;
    const fixed = (label: string) => [
      reading,
      yaml(),
      EditorState.readOnly.of(true),
      EditorView.contentAttributes.of({ "aria-label": label, "aria-readonly": "true" }),
    ];
    const view = wide
      ? new MergeView({
          parent: place.current,
          a: { doc: before, extensions: fixed(first) },
          b: { doc: after, extensions: fixed(second) },
          collapseUnchanged: UNCHANGED,
        })
      : new EditorView({
          parent: place.current,
          doc: after,
          extensions: [
            ...fixed(second),
            unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged: UNCHANGED }),
          ],
        });
    return () => view.destroy();
  }, [before, after, first, second, wide]);
  return <div ref={place} className={classes.editor} />;
}
