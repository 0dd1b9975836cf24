import type { coordination } from '@tessera/proto';

/** The right to change something. It ends, and then every later attempt is refused. */
export interface Authority {
  /** What each write carries. @throws NOT_LEADER or OPERATION_GIVEN_UP when there is no right to act any more. */
  fence(): coordination.Fence;
  /** Aborted when the right has ended: calls that are still on their way are not waited for. */
  readonly over: AbortSignal;
  /** A write was refused because somebody else has the lease. */
  lose(): void;
}
