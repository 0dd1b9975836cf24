import { isTesseraError, messageOf, type Random, seededRandom } from '@tessera/base';
import { rowsOf } from '@tessera/columnar';
import { type Meter, noMeter } from '@tessera/telemetry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { queryMetrics } from './metrics.ts';
import { startTrips, type Trips } from './testing/trips.ts';

/**
 * Many more statements than there are places, small and heavy, of users who behave and users who do not. What is fair
 * and bounded is decided in FairQueue, Lane and MemoryBudget; here it is that all of them together answer right.
 */
const limits = {
  maxRunningQueries: 2,
  maxHeavyQueries: 1,
  heavyQueryMs: 0.2,
  maxQueuedQueries: 24,
  maxQueuedPerUser: 8,
  maxMemoryBytes: 400_000,
  maxQueryMemoryBytes: 200_000,
};
const refusals = [
  'QUERY_CANCELLED',
  'QUERY_CANNOT_START',
  'QUERY_MEMORY_FULL',
  'QUERY_QUEUE_FULL',
  'QUERY_TIMEOUT',
];
const built = "t.day >= date '2024-01-01' and t.day < date '2024-03-01'";
const small = `select carrier, count(*), sum(delay) from trips t where ${built} group by 1 order by 1`;
/** A scan for each part, so it is predicted to take as much longer. */
const heavy = Array.from(
  { length: 6 },
  (_, i) => `(select ${i}, carrier, count(*) from trips t where ${built} group by 2 order by 2)`,
).join(' union all ');

/** Remembers what can be read off the daemon. */
const gauges = new Map<string, () => number>();
const meter: Meter = {
  ...noMeter,
  gauge: ({ name }, read) => {
    gauges.set(name, () => (read() as readonly { readonly value: number }[])[0]!.value);
  },
};

let trips: Trips;
const expected = new Map<string, string>();

async function ask(sql: string, client: string, signal?: AbortSignal, timeoutMs = 60_000) {
  const request = { project: 'default', sql, client, settings: { timeoutMs } };
  const { batch } = await trips.daemon.execute(request, signal);
  return [...rowsOf(batch)].map((row) => row.join('|')).join('\n');
}

beforeAll(async () => {
  trips = await startTrips(limits, meter);
  for (const sql of [small, heavy]) expected.set(sql, await ask(sql, 'nobody'));
});
afterAll(() => trips[Symbol.asyncDispose]());

/** One user's statements, so many at a time. */
async function user(name: string, atOnce: number, random: Random) {
  const outcome = { answered: 0, refused: [] as string[] };
  const one = async () => {
    for (let i = 0; i < 6; i++) {
      const sql = random.next() < 0.2 ? heavy : small;
      const caller = new AbortController();
      const leaves = random.next() < 0.1;
      const asked = ask(sql, name, caller.signal, random.next() < 0.1 ? 1 : undefined);
      if (leaves) queueMicrotask(() => caller.abort());
      try {
        expect(await asked).toBe(expected.get(sql));
        outcome.answered++;
      } catch (error) {
        if (!isTesseraError(error)) throw error;
        outcome.refused.push(error.reason);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return outcome;
}

describe('a query daemon with too much to do', () => {
  test.each([1, 2, 3])(
    'answers right or refuses with a reason, and keeps nothing (seed %i)',
    async (seed) => {
      const random = seededRandom(seed);
      const modest = Array.from({ length: 6 }, (_, i) => user(`modest${i}`, 2, random));
      const greedy = user('greedy', 40, random);
      const outcomes = await Promise.all([...modest, greedy]).catch((error) => {
        throw new Error(`seed ${seed}: ${messageOf(error)}`, { cause: error });
      });
      for (const { answered, refused } of outcomes) {
        expect(answered).toBeGreaterThan(0);
        expect(refused.filter((reason) => !refusals.includes(reason))).toEqual([]);
      }
      // Who asks for a little is not refused for the one who asks for everything.
      const full = outcomes.map(
        ({ refused }) => refused.filter((reason) => reason === 'QUERY_QUEUE_FULL').length,
      );
      expect(full.slice(0, -1)).toEqual([0, 0, 0, 0, 0, 0]);
      expect(full.at(-1)).toBeGreaterThan(0);
      for (const { name } of [queryMetrics.running, queryMetrics.queued, queryMetrics.memory]) {
        expect([name, gauges.get(name)!()]).toEqual([name, 0]);
      }
    },
  );
});

describe('a statement that holds too much', () => {
  test('ends with what the limit is, whether cuboids or the source fill it, and others go on', async () => {
    await using small = await startTrips({ maxQueryMemoryBytes: 2_000 }, meter);
    const run = (sql: string) => small.daemon.execute({ project: 'default', sql });
    for (const sql of [
      'select day, origin, carrier, delay, price from trips',
      `select day, state, count(*), sum(delay), sum(price) from trips t left join airports a on t.origin = a.iata where ${built} group by 1, 2`,
    ]) {
      await expect(run(sql)).rejects.toMatchObject({
        reason: 'QUERY_MEMORY_EXCEEDED',
        metadata: { limit: '2000', setting: 'maxQueryMemoryBytes' },
      });
    }
    const count = await run(`select count(*) from trips t where ${built}`);
    expect(count.batch.rowCount).toBe(1);
    expect(gauges.get(queryMetrics.memory.name)!()).toBe(0);
  });
});
