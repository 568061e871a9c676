import { uploadSource } from "../../api/pipelines";

/** The names that archives have whose files the service takes. */
export const ARCHIVES = ".tar,.gz,.tgz,.zst,.xz,.bz2,.zip";

/** Sends the archive of a form, if one was chosen; returns what a pipeline names as its source then. */
export async function sourceIn(form: FormData): Promise<string | undefined> {
  const archive = form.get("archive");
  if (!(archive instanceof File) || archive.size === 0) return undefined;
  return (await uploadSource(archive)).source_directory;
}
