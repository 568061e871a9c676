import { ActionIcon, Group } from "@mantine/core";
import type { Icon } from "@primer/octicons-react";
import type { Column } from "./DataTable";

interface RowAction<Row> {
  verb: string;
  icon: Icon;
  act: (row: Row) => void;
}

/** The last column of a table: a button for each thing that can be done with a row. */
export function actionsColumn<Row>(nameOf: (row: Row) => string, actions: readonly RowAction<Row>[]): Column<Row> {
  return {
    id: "actions",
    label: "Actions",
    isActions: true,
    align: "right",
    render: (row) => (
      <Group gap={4} justify="flex-end" wrap="nowrap">
        {actions.map(({ verb, icon: Sign, act }) => (
          <ActionIcon key={verb} variant="subtle" color="gray" aria-label={`${verb} ${nameOf(row)}`} onClick={() => act(row)}>
            <Sign />
          </ActionIcon>
        ))}
      </Group>
    ),
  };
}
