import { authorised } from "./client";
import { errorOf } from "./errors";

/** Saves what the service answers at `path` as a file. Throws `ApiError` and `Unreachable`. */
export async function download(path: string, name: string): Promise<void> {
  const response = await authorised(new Request(path));
  if (!response.ok) throw errorOf(response.status, await response.json().catch(() => undefined));
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
