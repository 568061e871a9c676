import { SyncIcon, XCircleIcon } from "@primer/octicons-react";
import { Button, Group, Modal, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { messageOf } from "../../api/errors";
import { cancelExecution, executeAgain, executionKeys, type Graph } from "../../api/executions";
import { useMay } from "../../api/session";
import { hasEnded } from "../../api/status";

/** What can be done with an execution, by whoever may. */
export function Actions({ graph }: { graph: Graph }) {
  if (!useMay("editor")) return null;
  return hasEnded(graph.status) ? graph.name !== null && <Again graph={graph} /> : <Cancel graph={graph} />;
}

function Again({ graph }: { graph: Graph }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const again = useMutation({
    mutationFn: () => executeAgain(graph),
    onSuccess: async (id) => {
      void client.invalidateQueries({ queryKey: executionKeys.lists() });
      await navigate({ to: "/executions/$id", params: { id } });
    },
    onError: (error) => notifications.show({ color: "red", title: "Not executed", message: messageOf(error) }),
  });
  // What is masked here is not known any more, and `***` would be executed.
  const masked = Object.values(graph.inputs).includes("***");
  return (
    <Button
      variant="default"
      leftSection={<SyncIcon />}
      loading={again.isPending}
      disabled={masked}
      title={masked ? "It had sensitive inputs, which are not kept: give them again" : "The same inputs, the newest definition"}
      onClick={() => again.mutate()}
    >
      Run again
    </Button>
  );
}

function Cancel({ graph }: { graph: Graph }) {
  const client = useQueryClient();
  const [asking, { open, close }] = useDisclosure();
  const cancel = useMutation({
    mutationFn: () => cancelExecution(graph.id),
    onError: (error) => notifications.show({ color: "red", title: "Not cancelled", message: messageOf(error) }),
    onSettled: () => {
      close();
      void client.invalidateQueries({ queryKey: executionKeys.graph(graph.id) });
    },
  });
  const underway = graph.waiting?.code === "cancelling";
  return (
    <>
      <Button variant="default" leftSection={<XCircleIcon />} onClick={open} disabled={underway} loading={cancel.isPending}>
        {underway ? "Cancelling" : "Cancel"}
      </Button>
      <Modal opened={asking} onClose={close} title="Cancel this execution?">
        <Text size="sm">Its containers are stopped, and no step is started any more. What has ended stays.</Text>
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={close}>
            Let it run
          </Button>
          <Button color="red" onClick={() => cancel.mutate()} loading={cancel.isPending} data-autofocus>
            Cancel the execution
          </Button>
        </Group>
      </Modal>
    </>
  );
}
