import { Code, TesseraError } from '@tessera/base';
import { statusOf } from '@tessera/client';
import { type longrunning, scheduler } from '@tessera/proto';
import { expect, test } from 'vitest';
import { viewOf } from './operation-view.ts';
import { toJson } from './table.ts';

const typePrefix = 'type.googleapis.com/tessera.scheduler.v1.';
const cube = 'projects/default/cubes/sales';

function packed<T>(
  type: string,
  codec: { encode(message: T): { finish(): Uint8Array } },
  message: T,
) {
  return { typeUrl: typePrefix + type, value: Buffer.from(codec.encode(message).finish()) };
}

function operation(state: Partial<longrunning.Operation>): longrunning.Operation {
  const progress = scheduler.BuildProgress.fromPartial({
    cube,
    kind: 'refresh',
    phase: 'READ',
    rowsDone: 12n,
    startTime: { seconds: 1n, nanos: 0 },
  });
  return {
    name: 'operations/refresh-1f-2e',
    metadata: packed('BuildProgress', scheduler.BuildProgress, progress),
    done: false,
    result: undefined,
    ...state,
  };
}

function failedWith(code: Code): Partial<longrunning.Operation> {
  const error = new TesseraError({ code, reason: 'A_REASON', message: 'It ended.', metadata: {} });
  return { done: true, result: { $case: 'error', value: statusOf(error) } };
}

test('an operation that waits is queued, and its name tells its kind', () => {
  expect(viewOf(operation({ metadata: undefined }))).toEqual({
    name: 'operations/refresh-1f-2e',
    kind: 'refresh',
    state: 'queued',
  });
});

test('running, failed and cancelled are told apart', () => {
  expect(viewOf(operation({}))).toMatchObject({ state: 'running', cube, kind: 'refresh' });
  const error = { reason: 'A_REASON', message: 'It ended.' };
  expect(viewOf(operation(failedWith(Code.INTERNAL)))).toMatchObject({ state: 'failed', error });
  expect(viewOf(operation(failedWith(Code.CANCELLED)))).toMatchObject({
    state: 'cancelled',
    error,
  });
});

test('progress and response are printed in words, not as bytes', () => {
  const response = scheduler.BuildSegmentsResponse.fromPartial({
    segments: [`${cube}/segments/2024-01`],
    sourceRows: 12n,
  });
  const view = viewOf(
    operation({
      done: true,
      result: {
        $case: 'response',
        value: packed('BuildSegmentsResponse', scheduler.BuildSegmentsResponse, response),
      },
    }),
  );
  expect(view.state).toBe('done');
  expect(JSON.parse(toJson(view))).toMatchObject({
    progress: { cube, phase: 'READ', rowsDone: 12 },
    response: { segments: [`${cube}/segments/2024-01`], sourceRows: 12 },
  });
});
