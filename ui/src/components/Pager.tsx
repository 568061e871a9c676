import { ChevronLeftIcon, ChevronRightIcon } from "@primer/octicons-react";
import { ActionIcon, Group, Text } from "@mantine/core";
import { PAGE_SIZE } from "../lib/listSearch";

interface PagerProps {
  /** From 1. */
  page: number;
  total: number;
  onPage: (page: number) => void;
}

/** Which part of a list is shown, and the ways to the next and the one before. Nothing for a list of one page. */
export function Pager({ page, total, onPage }: PagerProps) {
  const pages = Math.max(1, Math.ceil(total / PAGE_SIZE));
  if (pages === 1 && page === 1) return null;
  const first = (page - 1) * PAGE_SIZE + 1;
  const last = Math.min(page * PAGE_SIZE, total);
  return (
    <Group component="nav" aria-label="Pages" justify="space-between" px="md" py="xs">
      <Text size="sm" c="dimmed" className="tabular">
        {first <= total ? `${first}–${last} of ${total}` : `Nothing beyond ${total}`}
      </Text>
      <Group gap={4}>
        <ActionIcon variant="default" aria-label="Page before" disabled={page <= 1} onClick={() => onPage(page - 1)}>
          <ChevronLeftIcon />
        </ActionIcon>
        <ActionIcon variant="default" aria-label="Next page" disabled={page >= pages} onClick={() => onPage(page + 1)}>
          <ChevronRightIcon />
        </ActionIcon>
      </Group>
    </Group>
  );
}
