import { ChevronDownIcon, ChevronUpIcon } from "@primer/octicons-react";
import { Skeleton, Table } from "@mantine/core";
import type { ReactNode } from "react";
import { nextSort, parseSort } from "../lib/listSearch";
import classes from "./DataTable.module.css";

export interface Column<Row> {
  /** The field that the list is sorted by, if it can be by this column; else any word. */
  id: string;
  label: string;
  sortable?: boolean;
  /** Its heading is for who cannot see the table: what is in it says what it is. */
  labelHidden?: boolean;
  align?: "left" | "right";
  /** Goes on narrow windows. */
  wideOnly?: boolean;
  render: (row: Row) => ReactNode;
}

interface DataTableProps<Row> {
  /** Says what the table is of, for who cannot see it. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[] | undefined;
  keyOf: (row: Row) => string;
  /** `field:asc` or `field:desc`. */
  sort?: string | undefined;
  onSort?: (sort: string | undefined) => void;
}

/**
 * Rows as the server has sorted them. Without rows they are on their way. A `RowLink` in a cell makes the whole row
 * lead there.
 */
export function DataTable<Row>({ label, columns, rows, keyOf, sort, onSort }: DataTableProps<Row>) {
  return (
    <div className={classes.scroll} tabIndex={0} role="region" aria-label={label}>
      <Table className={classes.table} verticalSpacing={9} horizontalSpacing="md" aria-label={label}>
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => (
              <Heading key={column.id} column={column} sort={sort} onSort={onSort} />
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows
            ? rows.map((row) => (
                <Table.Tr key={keyOf(row)}>
                  {columns.map((column) => (
                    <Table.Td key={column.id} ta={column.align ?? "left"} data-wide={column.wideOnly}>
                      {column.render(row)}
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))
            : Array.from({ length: 6 }, (_, index) => (
                <Table.Tr key={index}>
                  {columns.map((column) => (
                    <Table.Td key={column.id} data-wide={column.wideOnly}>
                      <Skeleton h={12} my={5} w={`${40 + ((index * 37 + column.id.length * 13) % 50)}%`} />
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

interface HeadingProps<Row> {
  column: Column<Row>;
  sort: string | undefined;
  onSort: ((sort: string | undefined) => void) | undefined;
}

function Heading<Row>({ column, sort, onSort }: HeadingProps<Row>) {
  const { id, label, sortable, labelHidden = false, align = "left", wideOnly } = column;
  const current = parseSort(sort);
  const direction = current?.field === id ? current.direction : undefined;
  const aria = direction === undefined ? "none" : direction === "asc" ? "ascending" : "descending";
  return (
    <Table.Th ta={align} data-wide={wideOnly} {...(sortable ? { "aria-sort": aria } : {})}>
      {sortable && onSort ? (
        <button type="button" className={classes.sort} data-align={align} onClick={() => onSort(nextSort(sort, id))}>
          {label}
          <span className={classes.direction} data-on={direction !== undefined}>
            {direction === "asc" ? <ChevronUpIcon size={12} /> : <ChevronDownIcon size={12} />}
          </span>
        </button>
      ) : (
        <span className={labelHidden ? "visually-hidden" : undefined}>{label}</span>
      )}
    </Table.Th>
  );
}
