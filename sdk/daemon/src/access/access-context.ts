import type { Caller } from '@tessera/access';
import type { CallContext } from 'nice-grpc-common';

/** What a handler is called with where access may be controlled. */
export type AccessContext = CallContext & { readonly caller?: Caller };

/**
 * Whose eyes the call is made with: set by the server's own gate, never by what was sent. Absent where access is not
 * controlled and for calls of daemons, which they make for the platform and not for somebody.
 */
export function callerOf(context: AccessContext): Caller | undefined {
  return context.caller;
}
