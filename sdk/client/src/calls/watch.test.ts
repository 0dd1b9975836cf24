import { type Clock, Code, seededRandom, TesseraError } from '@tessera/base';
import { describe, expect, test } from 'vitest';
import { type Watchable, type WatchMessage, watch } from './watch.ts';

interface Thing {
  readonly name: string;
  readonly value: number;
}
type Message = WatchMessage<Thing>;

const unavailable = failure(Code.UNAVAILABLE, 'DAEMON_UNAVAILABLE');
const compacted = failure(Code.OUT_OF_RANGE, 'REVISION_COMPACTED');

const put = (name: string, revision: bigint): Message => ({
  event: { $case: 'put', value: { name, value: Number(revision) } },
  revision,
});
const deleted = (name: string, revision: bigint): Message => ({
  event: { $case: 'deletedName', value: name },
  revision,
});
const progress = (revision: bigint): Message => ({ revision });

/** A daemon that holds `log` and breaks a watch off after as many messages as `cuts` says, then with its error. */
function daemon(log: readonly Message[], cuts: readonly { after: number; error?: Error }[]) {
  const starts: bigint[] = [];
  let turn = 0;
  const source: Watchable<Thing> = {
    list: async () => ({ resources: [], revision: 10n }),
    async *watch(startRevision) {
      starts.push(startRevision);
      const cut = cuts[turn++];
      const messages = log.filter(({ revision }) => revision >= startRevision);
      yield* messages.slice(0, cut?.after);
      if (cut?.error) throw cut.error;
    },
  };
  return { source, starts };
}

describe('watch', () => {
  const log = [
    put('a', 11n),
    put('b', 12n),
    put('c', 12n),
    deleted('d', 12n),
    progress(12n),
    put('a', 13n),
  ];

  test.each([
    { cut: 0, resumesAt: 11n },
    { cut: 1, resumesAt: 11n },
    { cut: 2, resumesAt: 12n },
    { cut: 3, resumesAt: 12n },
    { cut: 5, resumesAt: 13n },
  ])(
    'broken off after $cut messages, goes on without gap or duplicate',
    async ({ cut, resumesAt }) => {
      const { source, starts } = daemon(log, [{ after: cut, error: unavailable }, { after: 99 }]);
      const events = await take(watch(source, quick()), 7);
      expect(starts).toEqual([11n, resumesAt]);
      expect(events.filter(({ kind }) => kind !== 'progress')).toEqual([
        { kind: 'snapshot', resources: [], revision: 10n },
        { kind: 'put', resource: { name: 'a', value: 11 }, revision: 11n },
        { kind: 'put', resource: { name: 'b', value: 12 }, revision: 12n },
        { kind: 'put', resource: { name: 'c', value: 12 }, revision: 12n },
        { kind: 'deleted', name: 'd', revision: 12n },
        { kind: 'put', resource: { name: 'a', value: 13 }, revision: 13n },
      ]);
    },
  );

  test('lists again when its revision was compacted', async () => {
    const { source } = daemon(log, [{ after: 1, error: compacted }, { after: 99 }]);
    const events = await take(watch(source, quick()), 4);
    expect(events.map(({ kind }) => kind)).toEqual(['snapshot', 'put', 'snapshot', 'put']);
  });

  test('gives up after so many failures in a row, waiting longer each time', async () => {
    const delays: number[] = [];
    const { source, starts } = daemon(log, Array(9).fill({ after: 0, error: unavailable }));
    const watching = watch(source, { ...quick(delays), maxAttempts: 5 });
    await expect(take(watching, 2)).rejects.toThrow(unavailable);
    expect(starts).toHaveLength(5);
    expect(delays).toHaveLength(4);
    expect(delays[3]!).toBeGreaterThan(delays[0]! * 3);
  });

  test('does not try again what cannot pass by itself', async () => {
    const refused = failure(Code.INVALID_ARGUMENT, 'BAD_RESOURCE_NAME');
    const { source, starts } = daemon(log, [{ after: 0, error: refused }]);
    await expect(take(watch(source, quick()), 2)).rejects.toThrow(refused);
    expect(starts).toHaveLength(1);
  });

  test('ends with CANCELLED when its signal is aborted while it waits', async () => {
    const controller = new AbortController();
    const { source } = daemon(log, []);
    const waiting: Clock = {
      ...quick().clock,
      sleep: (_, signal) =>
        new Promise((_, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
          controller.abort();
        }),
    };
    const watching = watch(source, { clock: waiting, signal: controller.signal });
    await expect(take(watching, 99)).rejects.toMatchObject({ reason: 'CANCELLED' });
  });
});

function quick(delays: number[] = []) {
  const clock: Clock = {
    now: () => 0n,
    monotonicMs: () => 0,
    sleep: async (durationMs) => void delays.push(durationMs),
  };
  return { clock, random: seededRandom(1) };
}

async function take<T>(items: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) if (taken.push(item) === count) break;
  return taken;
}

function failure(code: Code, reason: string): TesseraError {
  return new TesseraError({ code, reason, message: reason });
}
