import type { Caller } from '@tessera/access';
import type { CallContext } from 'nice-grpc-common';

/** What a handler is called with where access may be controlled. */
export type AccessContext = CallContext & { readonly caller?: Caller };

/**
 * Who makes the call: set by the server's own gate, never by what was sent. Absent where access is not controlled and
 * for calls inside this process, which the daemons make for themselves.
 */
export function callerOf(context: AccessContext): Caller | undefined {
  return context.caller;
}
