/**
 * Expected failures. A `TesseraError` carries a gRPC code, a stable `reason` that is never renamed, a
 * message that says what to do next, and every changing value again in `metadata`. Callers branch on
 * `reason`, never on the message, nor on the class: two copies of this package may be loaded.
 */
export const Code = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;
export type Code = (typeof Code)[keyof typeof Code];

/** One fault in a text a user wrote. Lines and columns count from 1, in characters. */
export interface FieldViolation {
  /** A path into the document, for example `dimensions[2].column`, or `sql`. */
  readonly field: string;
  readonly description: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

export interface TesseraErrorInit {
  readonly code: Code;
  readonly reason: string;
  readonly message: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly violations?: readonly FieldViolation[];
  readonly cause?: unknown;
  /** Set where nothing was begun and the same call may be made again: not before this time, milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

const brand = Symbol.for('tessera:error');

export class TesseraError extends Error {
  readonly code: Code;
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;

  constructor(init: TesseraErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = 'TesseraError';
    this.code = init.code;
    this.reason = init.reason;
    this.metadata = init.metadata ?? {};
    this.violations = init.violations ?? [];
    this.retryAfterMs = init.retryAfterMs;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** True for a `TesseraError` of any copy of this package, and of that reason when one is given. */
export function isTesseraError(error: unknown, reason?: string): error is TesseraError {
  return (
    typeof error === 'object' &&
    error !== null &&
    brand in error &&
    (reason === undefined || (error as unknown as TesseraError).reason === reason)
  );
}

/** What a person reads of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
