/**
 * A broken invariant is our mistake, never the user's: the call ends INTERNAL. User input is checked
 * with a `TesseraError` before it can reach an invariant.
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Broken invariant: ${message}`);
}

/** For the default branch of a switch over a union: does not compile when a member is missing. */
export function unreachable(value: never, what: string): never {
  throw new Error(`Broken invariant: unknown ${what} ${JSON.stringify(value)}`);
}
