import { AlertIcon } from "@primer/octicons-react";
import { Button } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { isNotFound, messageOf, Unreachable } from "../api/errors";
import { Empty } from "./Empty";
import { NotFound, Pending } from "./Outcomes";

interface LoadedProps<T> {
  query: UseQueryResult<T>;
  pending?: ReactNode;
  children: (data: T) => ReactNode;
}

/** What a query has given; until then that it loads, or why there is nothing. Old data stay while newer are asked for. */
export function Loaded<T>({ query, pending = <Pending />, children }: LoadedProps<T>) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error === null) return <>{pending}</>;
  const away = query.error instanceof Unreachable;
  return (
    <Empty icon={<AlertIcon size={24} />} title={away ? "The service does not answer" : "This could not be loaded"}>
      {away ? "It is tried again by itself." : messageOf(query.error)}
      <div>
        <Button variant="default" size="xs" mt="sm" onClick={() => void query.refetch()}>
          Try again
        </Button>
      </div>
    </Empty>
  );
}

/** What a whole page is about: without it there is no such page. */
export function LoadedPage<T>({ query, children }: Pick<LoadedProps<T>, "query" | "children">) {
  if (query.data === undefined && isNotFound(query.error)) return <NotFound />;
  return <Loaded query={query}>{children}</Loaded>;
}
