import { notifications } from "@mantine/notifications";
import { useMutation } from "@tanstack/react-query";
import { download } from "../api/download";
import { messageOf } from "../api/errors";

/** Saves a file of the service when it is told to, and says so if that fails. */
export function useDownload(path: string, name: string) {
  return useMutation({
    mutationFn: () => download(path, name),
    onError: (error) => notifications.show({ color: "red", title: "Not downloaded", message: messageOf(error) }),
  });
}
