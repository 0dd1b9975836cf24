import { type Clock, Code, seededRandom, systemClock, TesseraError } from '@tessera/base';
import type { ClientMiddlewareCall } from 'nice-grpc-common';
import { describe, expect, test } from 'vitest';
import { retriesRefused } from './retry-middleware.ts';

const refusal = new TesseraError({
  code: Code.RESOURCE_EXHAUSTED,
  reason: 'QUERY_QUEUE_FULL',
  message: 'Full.',
  retryAfterMs: 100,
});
const broken = new TesseraError({ code: Code.INTERNAL, reason: 'INTERNAL', message: 'Broken.' });

/** Answers with what `steps` says: errors are thrown, texts sent; each attempt takes the next entry. */
function calling(
  path: string,
  steps: readonly (readonly (string | Error)[])[],
  maxWaitMs = 60_000,
) {
  const sleeps: number[] = [];
  const clock: Clock = {
    ...systemClock,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      sleeps.push(ms);
    },
  };
  let attempts = 0;
  const next = async function* () {
    for (const step of steps[attempts++] ?? []) {
      if (step instanceof Error) throw step;
      yield step;
    }
  };
  const method = { path, requestStream: false, responseStream: true, options: {} };
  const call = { method, requestStream: false, request: {}, responseStream: true, next };
  const random = seededRandom(1);
  const middleware = retriesRefused({ clock, random, maxAttempts: 4, maxWaitMs });
  const run = async (signal?: AbortSignal) => {
    const answer: string[] = [];
    const typed = call as unknown as ClientMiddlewareCall<object, string>;
    for await (const part of middleware(typed, signal ? { signal } : {})) answer.push(part);
    return answer;
  };
  return { run, sleeps, attempts: () => attempts };
}

const executeQuery = '/tessera.query.v1.QueryService/ExecuteQuery';

describe('a call that a daemon refuses for now', () => {
  test('is made again, not before the daemon says and later each time', async () => {
    const { run, sleeps } = calling(executeQuery, [[refusal], [refusal], ['a', 'b']]);
    expect(await run()).toEqual(['a', 'b']);
    expect(sleeps).toHaveLength(2);
    expect(sleeps[0]).toBeGreaterThanOrEqual(100);
    expect(sleeps[1]).toBeGreaterThanOrEqual(200);
  });

  test('comes back at another moment than other callers', async () => {
    const { run, sleeps } = calling(executeQuery, [[refusal], [refusal], [refusal], []]);
    await run();
    const first = sleeps.map((ms, i) => ms / (100 * 2 ** i));
    expect(new Set(first).size).toBe(3);
  });

  test('is given up after some attempts, and when that would take too long', async () => {
    const often = calling(
      executeQuery,
      Array.from({ length: 9 }, () => [refusal]),
    );
    await expect(often.run()).rejects.toMatchObject({ reason: 'QUERY_QUEUE_FULL' });
    expect(often.attempts()).toBe(4);
    const long = calling(executeQuery, [[refusal], ['late']], 50);
    await expect(long.run()).rejects.toMatchObject({ reason: 'QUERY_QUEUE_FULL' });
  });

  test.each([
    {
      what: 'it changes something',
      path: '/tessera.metadata.v1.CubeService/CreateCube',
      steps: [[refusal]],
    },
    {
      what: 'another replica may scan',
      path: '/tessera.storage.v1.StorageService/ScanCuboid',
      steps: [[refusal]],
    },
    { what: 'its answer had begun', path: executeQuery, steps: [['a', refusal]] },
    { what: 'nobody said that it may', path: executeQuery, steps: [[broken]] },
  ])('is not made again when $what', async ({ path, steps }) => {
    const { run, attempts } = calling(path, [...steps, ['again']]);
    await expect(run()).rejects.toBeInstanceOf(TesseraError);
    expect(attempts()).toBe(1);
  });

  test('is not made again for a caller who has left', async () => {
    const { run, attempts } = calling(executeQuery, [[refusal], ['again']]);
    await expect(run(AbortSignal.abort())).rejects.toThrow();
    expect(attempts()).toBe(1);
  });
});
