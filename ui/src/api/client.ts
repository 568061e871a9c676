import createClient from "openapi-fetch";
import { connection } from "./connection";
import { errorOf, Unreachable } from "./errors";
import type { paths } from "./schema";
import { session } from "./session";

/**
 * `fetch` for whoever is signed in. A token that the service does not take any more is renewed, once. Throws
 * `Unreachable`; an answer of any status is returned.
 */
export async function authorised(request: Request): Promise<Response> {
  const again = request.clone();
  const response = await attempt(request);
  if (response.status === 401 && (await session.renew())) return attempt(again);
  return response;
}

async function attempt(request: Request): Promise<Response> {
  request.headers.set("Authorization", `Bearer ${await session.token()}`);
  try {
    return await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    connection.lost();
    throw new Unreachable();
  }
}

/** Every operation of the API by method and path, typed from its description. Wrap calls in `unwrap`. */
export const api = createClient<paths>({ baseUrl: window.location.origin, fetch: authorised });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Returns the body of an answer of success; throws `ApiError` or `Unreachable` otherwise. */
export async function unwrap<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) {
    const problem = errorOf(response.status, error);
    if (problem instanceof Unreachable) connection.lost();
    throw problem;
  }
  return data as T;
}
