import { Alert, Button, Group, Stack } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import type { ReactNode, SubmitEvent } from "react";
import { ApiError, messageOf } from "../api/errors";
import { WrongInput } from "../lib/inputs";
import classes from "./Form.module.css";

/** Says what is wrong with a field, if the service has found something. */
export type FaultOf = (field: string) => string | undefined;

export interface FormProps<Result> {
  /** What the button says that does it. */
  action: string;
  danger?: boolean;
  /** Those whose faults the form shows itself; the others' are shown above the buttons. */
  fields?: readonly string[];
  onCancel: () => void;
  /** Does it; what it throws is shown. */
  perform: (form: FormData) => Promise<Result>;
  onDone?: ((result: Result) => void) | undefined;
  children: (faultOf: FaultOf) => ReactNode;
}

/** Fields, and the buttons that do it or leave it. */
export function Form<Result>(props: FormProps<Result>) {
  const { action, danger = false, fields = [], onCancel, perform, onDone, children } = props;
  const mutation = useMutation({ mutationFn: perform, onSuccess: onDone });
  const { faultOf, rest } = shown(mutation.error, fields);
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    mutation.mutate(new FormData(event.currentTarget));
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        {children(faultOf)}
        {rest && (
          <Alert color="red" variant="light" p="sm" className={classes.error}>
            {rest}
          </Alert>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" color={danger ? "red" : undefined} loading={mutation.isPending}>
            {action}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function shown(error: unknown, fields: readonly string[]): { faultOf: FaultOf; rest: string | undefined } {
  if (error === null) return { faultOf: () => undefined, rest: undefined };
  const faults = error instanceof ApiError ? error.faults : error instanceof WrongInput ? [error] : [];
  const fieldOf = (path: string) => fields.find((field) => path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`));
  const others = faults.filter((fault) => fieldOf(fault.field) === undefined);
  const rest = faults.length === 0 ? messageOf(error) : others.map((each) => `${each.field}: ${each.message}`).join("\n");
  return {
    faultOf: (field) => faults.filter((fault) => fieldOf(fault.field) === field).map((fault) => fault.message).join(" ") || undefined,
    rest: rest || undefined,
  };
}
