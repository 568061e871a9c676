import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { FormDialog } from "./FormDialog";

interface DeleteDialogProps {
  name: string;
  /** Deletes it; what it throws is shown. */
  remove: (form: FormData) => Promise<unknown>;
  /** Where the others are listed: the way there, and what is to be asked for again. */
  list: "/agents" | "/pipelines" | "/workflows";
  lists: QueryKey;
  /** What is known of it. */
  one: QueryKey;
  onClose: () => void;
  /** What goes with it. */
  children: ReactNode;
}

/** Asks before what a page is about is deleted, and leads to the list of the others. */
export function DeleteDialog({ name, remove, list, lists, one, onClose, children }: DeleteDialogProps) {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const perform = async (form: FormData) => {
    await remove(form);
    // Left first: the page would ask again for what is gone.
    await navigate({ to: list });
    queryClient.removeQueries({ queryKey: one });
    await queryClient.invalidateQueries({ queryKey: lists });
  };
  return (
    <FormDialog title={`Delete ${name}?`} action="Delete" danger onClose={onClose} perform={perform}>
      {() => children}
    </FormDialog>
  );
}
