import { AlertIcon, FileIcon } from "@primer/octicons-react";
import { Button, Center, Loader } from "@mantine/core";
import { useQueryErrorResetBoundary } from "@tanstack/react-query";
import { type ErrorComponentProps, Link, useRouter } from "@tanstack/react-router";
import { isNotFound, messageOf, Unreachable } from "../api/errors";
import { Empty } from "./Empty";

/** A page is on its way. */
export function Pending() {
  return (
    <Center mih={240} role="status" aria-label="Loading">
      <Loader size="sm" color="gray" />
    </Center>
  );
}

/** There is no such page. */
export function NotFound() {
  return (
    <Empty icon={<FileIcon size={24} />} title="There is no such page" heading="h1">
      It may have been deleted, or the address has a typing error.
      <Button component={Link} to="/" variant="default" mt="md">
        To the overview
      </Button>
    </Empty>
  );
}

/** A page could not be loaded. */
export function Failed({ error }: ErrorComponentProps) {
  const router = useRouter();
  const { reset } = useQueryErrorResetBoundary();
  if (isNotFound(error)) return <NotFound />;
  const again = () => {
    reset();
    void router.invalidate();
  };
  const away = error instanceof Unreachable;
  return (
    <Empty icon={<AlertIcon size={24} />} title={away ? "The service does not answer" : "This went wrong"} heading="h1">
      {away ? "It is tried again by itself." : messageOf(error)}
      <Button onClick={again} variant="default" mt="md">
        Try again
      </Button>
    </Empty>
  );
}
