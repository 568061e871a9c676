import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { ListSearch } from "../lib/listSearch";
import { type Column, DataTable } from "./DataTable";
import { Loaded } from "./Loaded";
import { Pager } from "./Pager";

interface ListPanelProps<Data, Row> {
  /** Says what the list is of. */
  label: string;
  columns: readonly Column<Row>[];
  query: UseQueryResult<Data>;
  rowsOf: (data: Data) => readonly Row[];
  keyOf: (row: Row) => string;
  search: ListSearch;
  onSearch: (change: ListSearch) => void;
  /** Stands where the list has nothing. */
  empty: ReactNode;
}

/** A list of the API as a page of it: its rows, the way to the others, and what stands there when there is none. */
export function ListPanel<Data extends { total: number }, Row>(props: ListPanelProps<Data, Row>) {
  const { label, columns, query, rowsOf, keyOf, search, onSearch, empty } = props;
  const table = { label, columns, keyOf };
  return (
    <div className="panel">
      <Loaded query={query} pending={<DataTable {...table} rows={undefined} />}>
        {(data) =>
          data.total === 0 ? (
            empty
          ) : (
            <>
              <DataTable
                {...table}
                rows={rowsOf(data)}
                sort={search.sort}
                onSort={(sort) => onSearch({ sort, page: undefined })}
              />
              <Pager page={search.page ?? 1} total={data.total} onPage={(page) => onSearch({ page })} />
            </>
          )
        }
      </Loaded>
    </div>
  );
}
