import { Link } from "@tanstack/react-router";
import type { AuditItem } from "../../api/audit";
import { Word } from "../../components/Word";
import { shortIds } from "../../lib/words";

const PAGES = {
  agent: "/agents/$id",
  execution: "/executions/$id",
  pipeline: "/pipelines/$id",
  workflow: "/workflows/$id",
} as const;

/** What an entry is about, as the way there if it has a page. */
export function Target({ type, target }: { type: AuditItem["target_type"]; target: string }) {
  const word = <Word title={target}>{shortIds(target)}</Word>;
  const to = type in PAGES ? PAGES[type as keyof typeof PAGES] : undefined;
  return (
    <>
      {type}{" "}
      {to === undefined ? (
        word
      ) : (
        <Link to={to} params={{ id: target }}>
          {word}
        </Link>
      )}
    </>
  );
}
