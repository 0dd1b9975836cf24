import { parseArgs } from 'node:util';
import { formatTable } from '@tessera/cli';
import { listAll } from '@tessera/client';
import { flink } from '@tessera/proto';
import { FakeWorld } from '@tessera/scheduler/fake-world';
import type { Benchmark } from '../benchmark.ts';
import { median } from '../statistics.ts';

const clusterLooks = 50;

/**
 * What one pass of the scheduler over many Flink jobs takes, with its reads and writes of metadata. Hosts and JobManagers are emulated in the same process and answer at once: no network, no Flink. It
 * is measured while every job is begun, when all are as they are wanted, with all details asked anew and without, and when all are kept the right size: metrics of each are collected and a strategy is asked, which answers at once.
 */
export const flinkPassBenchmark: Benchmark = {
  name: 'flink-pass',
  summary: 'one pass of the reconciler over Flink jobs, hosts emulated: --jobs 500 --rounds 7',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        jobs: { type: 'string', default: '500' },
        rounds: { type: 'string', default: '7' },
      },
    });
    const [jobs, rounds] = [Number(values.jobs), Number(values.rounds)];
    await using world = await FakeWorld.open('a', 'b');
    await bringUp(world);
    for (let i = 0; i < jobs; i++) await world.applyJob(`j${i}`);
    const beginning = await passesUntilRunning(world, jobs);
    const steady = await passes(world, rounds);
    // A leader that is new knows no details: of every job they are asked.
    const anew = await passes(world, rounds, () => world.forget());
    const scaled = await passesWithScaling(world, jobs, rounds);
    const works = {
      ...{ 'every job begun': beginning, 'a new leader': anew, 'nothing to do': steady },
      'every job scaled': scaled,
    };
    const rows = Object.entries(works).map(([work, seconds]) => [
      ...[work, median(seconds).toFixed(3), Math.max(...seconds).toFixed(3)],
    ]);
    console.log(formatTable(['PASS', 'MEDIAN S', 'WORST S'], rows));
    const worst = Math.max(...Object.values(works).flat());
    return {
      reach: [{ id: 'flink-pass', value: worst, op: '<=', target: 1, unit: 's' }],
      details: { jobs, rounds, works },
    };
  },
};

async function bringUp(world: FakeWorld): Promise<void> {
  await world.apply();
  for (let look = 0; look < clusterLooks; look++) {
    await world.look();
    if ((await world.status()).waitsFor === '') return;
  }
  throw new Error(`The cluster waits for ${(await world.status()).waitsFor}.`);
}

/** Seconds of each pass until all jobs run. */
async function passesUntilRunning(world: FakeWorld, jobs: number): Promise<number[]> {
  const seconds: number[] = [];
  for (let look = 0; look < clusterLooks; look++) {
    seconds.push(await timed(() => world.look()));
    if ((await runningOf(world)) === jobs) return seconds;
  }
  throw new Error(`Only ${await runningOf(world)} of ${jobs} jobs run.`);
}

async function runningOf({ clients }: FakeWorld): Promise<number> {
  const running = flink.FlinkJobPhase.FLINK_JOB_PHASE_RUNNING;
  const { resources } = await listAll(clients, 'flinkJobStatuses');
  return resources.filter(({ phase }) => phase === running).length;
}

/** Looks until metrics have a past. */
const warmingLooks = 5;

/** Passes a second apart, in which every job is looked at for its size. */
async function passesWithScaling(
  world: FakeWorld,
  jobs: number,
  rounds: number,
): Promise<number[]> {
  let asked = 0;
  world.strategies = {
    ...world.strategies,
    ask: async () => {
      asked++;
      const reasons = [{ code: 'STEADY', message: 'It is as wide as it has to be.' }];
      return {
        kind: 'decided',
        decision: { action: { kind: 'hold' }, reasons, options: [], learned: null },
      };
    },
  };
  world.flink.counted = counted;
  const scaling = flink.FlinkScaling.fromPartial({ strategy: 'steady' });
  for (let i = 0; i < jobs; i++) await world.applyJob(`j${i}`, { scaling });
  const seconds: number[] = [];
  for (let look = 0; look < warmingLooks + rounds; look++) {
    await world.clock.advance(1_000);
    const took = await timed(() => world.look());
    if (look >= warmingLooks) seconds.push(took);
  }
  if (asked < jobs) throw new Error(`A strategy was asked ${asked} times for ${jobs} jobs.`);
  return seconds;
}

/** A thousand records a second come in and are worked off; tasks are half busy. */
function counted(vertex: string, nowMs: number): Readonly<Record<string, number>> {
  const worked = { in: nowMs, out: nowMs, accumulateBusyTimeMs: nowMs / 2 };
  if (vertex !== 'source') return worked;
  return { ...worked, 'Source__s.numRecordsIn': nowMs, 'Source__s.pendingRecords': 5 };
}

async function passes(
  world: FakeWorld,
  rounds: number,
  before = (): void => {},
): Promise<number[]> {
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round++) {
    before();
    seconds.push(await timed(() => world.look()));
  }
  return seconds;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}
