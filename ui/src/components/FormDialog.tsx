import { Modal } from "@mantine/core";
import { Form, type FormProps } from "./Form";

interface FormDialogProps<Result> extends Omit<FormProps<Result>, "onCancel"> {
  title: string;
  size?: string;
  onClose: () => void;
}

/** A form in a dialog; mount it to open it. Closes when it is done, unless `onDone` says what else. */
export function FormDialog<Result>({ title, size = "md", onClose, onDone = onClose, ...form }: FormDialogProps<Result>) {
  return (
    <Modal opened onClose={onClose} title={title} size={size} closeButtonProps={{ "aria-label": "Close" }}>
      <Form {...form} onCancel={onClose} onDone={onDone} />
    </Modal>
  );
}
