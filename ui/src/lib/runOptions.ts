import { numberIn, textIn, wordsIn } from "./form";

/** What an execution can be told besides its inputs; absent is what was left empty. */
export interface RunOptions {
  container_registry?: string;
  container_credentials?: { username: string; password: string };
  workflow_defaults?: { inputs: { default_timeout: number } };
  requires?: string[];
}

/** Reads the options that a form gives. */
export function optionsIn(form: FormData): RunOptions {
  const registry = textIn(form, "container_registry");
  const username = textIn(form, "registry_username");
  const timeout = numberIn(form, "default_timeout");
  const requires = wordsIn(form, "requires");
  return {
    ...(registry ? { container_registry: registry } : {}),
    ...(username ? { container_credentials: { username, password: textIn(form, "registry_password") ?? "" } } : {}),
    ...(timeout === null ? {} : { workflow_defaults: { inputs: { default_timeout: timeout } } }),
    ...(requires.length > 0 ? { requires } : {}),
  };
}
