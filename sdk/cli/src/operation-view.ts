import { Code, resourceIdOf } from '@tessera/base';
import { errorOf } from '@tessera/client';
import { type Any, type longrunning, scheduler } from '@tessera/proto';

export type OperationState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled';

/** An operation with everything packed in it unpacked. */
export interface OperationView {
  /** `operations/build-3f2a`. */
  readonly name: string;
  /** `build`, `refresh`, `merge`, `drop`, `plan` or `maintenance`. */
  readonly kind: string;
  /** `projects/{project}/cubes/{cube}`; absent until it has started. */
  readonly cube?: string;
  readonly state: OperationState;
  /** Absent until it has started. */
  readonly progress?: scheduler.BuildProgress;
  readonly response?: unknown;
  readonly error?: {
    readonly reason: string;
    readonly message: string;
    readonly metadata: Readonly<Record<string, string>>;
  };
}

const responses: Readonly<Record<string, { decode(bytes: Uint8Array): unknown }>> = {
  BuildSegmentsResponse: scheduler.BuildSegmentsResponse,
  DropSegmentsResponse: scheduler.DropSegmentsResponse,
  PlanCubeResponse: scheduler.PlanCubeResponse,
  RunMaintenanceResponse: scheduler.RunMaintenanceResponse,
};

/** What an operation is, for people and programs. One that waits has no progress; its name tells its kind. */
export function viewOf(operation: longrunning.Operation): OperationView {
  const progress = operation.metadata && scheduler.BuildProgress.decode(operation.metadata.value);
  return {
    name: operation.name,
    kind: progress?.kind || (resourceIdOf(operation.name).split('-')[0] ?? ''),
    ...(progress?.cube ? { cube: progress.cube } : {}),
    state: stateOf(operation, progress),
    ...(progress ? { progress } : {}),
    ...resultOf(operation),
  };
}

function stateOf(
  { done, result }: longrunning.Operation,
  progress: scheduler.BuildProgress | undefined,
): OperationState {
  if (!done) return progress?.startTime === undefined ? 'queued' : 'running';
  if (result?.$case !== 'error') return 'done';
  return result.value.code === Code.CANCELLED ? 'cancelled' : 'failed';
}

function resultOf({ result }: longrunning.Operation): Pick<OperationView, 'response' | 'error'> {
  if (result?.$case === 'response') return { response: unpacked(result.value) };
  if (result?.$case !== 'error') return {};
  const { reason, message, metadata } = errorOf(result.value);
  return { error: { reason, message, metadata } };
}

/** A message of another type than those known here is told by its type only. */
function unpacked({ typeUrl, value }: Any): unknown {
  const codec = responses[typeUrl.slice(typeUrl.lastIndexOf('.') + 1)];
  return codec === undefined ? { typeUrl } : codec.decode(value);
}
