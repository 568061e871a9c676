import type { components } from "./schema";

type Body = Pick<components["schemas"]["Error"], "status" | "code" | "message"> & { details: object };

/** One thing that is wrong with a request; `field` is its dotted path. */
export interface Fault {
  field: string;
  message: string;
}

/** The service has answered, and refuses. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly faults: readonly Fault[];

  constructor(body: Body) {
    super(body.message);
    this.name = "ApiError";
    this.status = body.status;
    this.code = body.code;
    const errors = (body.details as { errors?: Fault[] }).errors;
    this.faults = Array.isArray(errors) ? errors : [];
  }
}

/** The service has not answered: it, or the network, is away. */
export class Unreachable extends Error {
  constructor() {
    super("The service does not answer");
    this.name = "Unreachable";
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

const BUSY = [408, 425, 429];

/** Whether the same request may be answered later: the service is away, or has no time or a fault of its own now. */
export function passes(error: unknown): boolean {
  if (error instanceof ApiError) return error.status >= 500 || BUSY.includes(error.status);
  return error instanceof Unreachable;
}

/** Makes an error of an answer that is not one of success, whoever wrote it: a proxy between says no JSON. */
export function errorOf(status: number, body: unknown): Error {
  if (typeof body === "object" && body !== null && "code" in body && "message" in body) {
    return new ApiError(body as Body);
  }
  if (status === 502 || status === 503 || status === 504) return new Unreachable();
  return new ApiError({ status, code: "unexpected", message: `The server answered ${status}`, details: {} });
}

/** A sentence for people. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError && error.faults.length > 0) {
    return error.faults.map((fault) => `${fault.field}: ${fault.message}`).join("\n");
  }
  return error instanceof Error ? error.message : String(error);
}
