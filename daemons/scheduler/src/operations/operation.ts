import { type Any, metadata } from '@tessera/proto';
import type { Journal } from './journal.ts';
import type { Progress } from './progress.ts';

/** The target of an operation on every cube: nothing else runs beside it. */
export const allCubes = 'all-cubes';

const { OperationState } = metadata;
const endStates: ReadonlySet<metadata.OperationState> = new Set([
  OperationState.OPERATION_STATE_SUCCEEDED,
  OperationState.OPERATION_STATE_FAILED,
  OperationState.OPERATION_STATE_CANCELLED,
]);

/** An operation that has ended is never run again. */
export function hasEnded({ state }: Pick<metadata.OperationRecord, 'state'>): boolean {
  return endStates.has(state);
}

/** What an operation is run with. */
export interface OperationContext {
  readonly record: metadata.OperationRecord;
  readonly journal: Journal;
  readonly progress: Progress;
  /** Aborted when somebody cancels the operation, or when the leader's term ends. */
  readonly signal: AbortSignal;
}

/** One kind of long-running work. Returns its packed response. */
export interface OperationKind {
  /** As in OperationRecord.kind. */
  readonly kind: string;
  run(context: OperationContext): Promise<Any>;
  /** Takes back what the steps left behind, after a failure or cancellation. */
  cleanUp(context: OperationContext): Promise<void>;
}
