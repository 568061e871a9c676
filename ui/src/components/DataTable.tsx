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
  /** It holds buttons: its heading is for who cannot see them. */
  isActions?: boolean;
  /** What is in it says what it is: cards have it without its heading. */
  isPlain?: boolean;
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
 * lead there. In a narrow window each row is a card: its first cell, and below that the others with their headings. The
 * roles are written out because they go with `display: table`.
 */
export function DataTable<Row>({ label, columns, rows, keyOf, sort, onSort }: DataTableProps<Row>) {
  return (
    <div className={classes.scroll} tabIndex={0} role="region" aria-label={label}>
      <Table className={classes.table} verticalSpacing={9} horizontalSpacing="md" role="table" aria-label={label}>
        <Table.Thead role="rowgroup">
          <Table.Tr role="row">
            {columns.map((column) => (
              <Heading key={column.id} column={column} sort={sort} onSort={onSort} />
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody role="rowgroup">
          {rows
            ? rows.map((row) => (
                <Table.Tr role="row" key={keyOf(row)}>
                  {columns.map((column) => (
                    <Cell key={column.id} column={column}>
                      {column.render(row)}
                    </Cell>
                  ))}
                </Table.Tr>
              ))
            : Array.from({ length: 6 }, (_, index) => (
                <Table.Tr role="row" key={index}>
                  {columns.map((column) => (
                    <Cell key={column.id} column={column}>
                      <Skeleton h={12} my={5} w={`${40 + ((index * 37 + column.id.length * 13) % 50)}%`} />
                    </Cell>
                  ))}
                </Table.Tr>
              ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

interface CellProps<Row> {
  column: Column<Row>;
  children: ReactNode;
}

function Cell<Row>({ column: { label, isActions, isPlain, align = "left", wideOnly }, children }: CellProps<Row>) {
  return (
    <Table.Td role="cell" ta={align} data-wide={wideOnly} data-actions={isActions} data-label={isActions || isPlain ? undefined : label}>
      {children}
    </Table.Td>
  );
}

interface HeadingProps<Row> {
  column: Column<Row>;
  sort: string | undefined;
  onSort: ((sort: string | undefined) => void) | undefined;
}

function Heading<Row>({ column, sort, onSort }: HeadingProps<Row>) {
  const { id, label, sortable = false, isActions = false, align = "left", wideOnly } = column;
  const current = parseSort(sort);
  const direction = current?.field === id ? current.direction : undefined;
  const aria = direction === undefined ? "none" : direction === "asc" ? "ascending" : "descending";
  const sorts = sortable && onSort !== undefined;
  return (
    <Table.Th
      role="columnheader"
      ta={align}
      data-wide={wideOnly}
      data-sorts={sorts || undefined}
      {...(sortable ? { "aria-sort": aria } : {})}
    >
      {sorts ? (
        <button type="button" className={classes.sort} data-align={align} onClick={() => onSort(nextSort(sort, id))}>
          {label}
          <span className={classes.direction} data-on={direction !== undefined}>
            {direction === "asc" ? <ChevronUpIcon size={12} /> : <ChevronDownIcon size={12} />}
          </span>
        </button>
      ) : (
        <span className={isActions ? "visually-hidden" : undefined}>{label}</span>
      )}
    </Table.Th>
  );
}
