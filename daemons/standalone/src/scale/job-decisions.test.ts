import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProgram } from '@tessera/cli';
import { recordToProto } from '@tessera/daemon';
import {
  simulate,
  simulatedJobs,
  simulatedTraces,
  simulationSuite,
} from '@tessera/flink-simulator';
import { flink } from '@tessera/proto';
import { type DecisionRecord, isEventful } from '@tessera/scaling';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { platformDefaults } from '../config.ts';
import { type Platform, startPlatform } from '../platform.ts';
import { Strategies } from './load-strategy.ts';
import { scaleCommands } from './scale-commands.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-scale-jobs-'));
let platform: Platform;
let records: readonly DecisionRecord[];

beforeAll(async () => {
  platform = await startPlatform({
    ...platformDefaults,
    dataDirectory: join(folder, 'data'),
    address: '127.0.0.1:0',
    maintenanceIntervalMs: 0,
  });
  await platform.client.flinkClusters.createFlinkCluster({
    flinkClusterId: 'orders',
    flinkCluster: { spec: clusterSpec },
  });
  for (const [flinkJobId, scaling] of [
    ['sums', flink.FlinkScaling.fromPartial({})],
    ['new', flink.FlinkScaling.fromPartial({})],
    ['paused', flink.FlinkScaling.fromPartial({ paused: true })],
    ['fixed', undefined],
  ] as const) {
    await platform.client.flinkJobs.createFlinkJob({
      flinkJobId,
      flinkJob: { spec: { ...jobSpec, scaling } },
    });
  }
  records = await recorded();
  for (const record of records) await keep(record);
}, 120_000);
afterAll(async () => {
  await platform?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);
afterEach(() => {
  process.exitCode = undefined;
});

const mib = 2n ** 20n;
const clusterSpec = flink.FlinkClusterSpec.fromPartial({
  flinkVersion: '2.3.0',
  bundle: `artifacts/${'a'.repeat(64)}`,
  jobManager: { processBytes: 1_600n * mib },
  taskManagerSizing: { $case: 'taskManager', value: { processBytes: 2_048n * mib, slots: 2 } },
  taskManagerCount: 2,
  stateDirectory: 'file:///shared/flink',
});
const jobSpec = flink.FlinkJobSpec.fromPartial({
  cluster: 'flink-clusters/orders',
  program: { $case: 'sql', value: { script: 'INSERT INTO sink SELECT * FROM source;' } },
  parallelism: 2,
});

/** What a strategy decided about a simulated job in some hours. */
async function recorded(): Promise<readonly DecisionRecord[]> {
  const decided: DecisionRecord[] = [];
  await using strategies = new Strategies();
  const { strategy, ...use } = await strategies.load('threshold', {});
  const kind = { trace: simulatedTraces.steps, job: simulatedJobs.pipeline };
  simulate(simulationSuite.scenarioOf(kind, 4, 0.2), strategy, {
    recording: { strategy: use, record: (record) => decided.push(record) },
  });
  return decided.filter((record, i) => i % 20 === 0 || isEventful(record)).slice(-30);
}

const keep = (record: DecisionRecord, changes: Partial<DecisionRecord> = {}) =>
  platform.client.flinkScalings.createScalingDecision({
    parent: 'flink-jobs/sums',
    scalingDecisionId: String(Math.round(record.input.nowMs)).padStart(15, '0'),
    scalingDecision: {
      eventful: isEventful(record),
      sizeBytes: 1n,
      decision: recordToProto({ ...record, ...changes }),
    },
  });

async function scale(...args: readonly string[]) {
  let out = '';
  let err = '';
  const terminal = {
    ...{ out: (text: string) => (out += text), err: (text: string) => (err += text) },
    ...{ interactive: false, columns: 100 },
  };
  const program = createProgram(terminal, [scaleCommands]);
  const address = ['--address', platform.address];
  await program.parseAsync([...address, 'scale', ...args], { from: 'user' });
  return { out, err, code: Number(process.exitCode ?? 0) };
}

describe('decisions about a job of the platform', { timeout: 60_000 }, () => {
  test('are explained, the last one first asked for', async () => {
    const { out } = await scale('explain', 'sums');
    const newest = new Date(records.at(-1)!.input.nowMs).toISOString().slice(0, 19);
    expect(out.slice(0, newest.length)).toBe(newest);
    expect(out.match(/ {2}strategy: /g)).toHaveLength(1);
    expect((await scale('explain', 'flink-jobs/sums')).out).toBe(out);
  });

  test('are chosen by time, and by whether they changed something', async () => {
    const at = new Date(records[2]!.input.nowMs).toISOString();
    const { out } = await scale('explain', 'sums', '--at', at, '--last', '2', '--json');
    const { decisions } = JSON.parse(out) as { decisions: readonly { time: string }[] };
    expect(decisions.map(({ time }) => Date.parse(time))).toEqual(
      records.slice(1, 3).map(({ input }) => input.nowMs),
    );
    const changes = await scale('explain', 'sums', '--changes', '--last', '100', '--json');
    const eventful = records.filter(isEventful);
    expect(eventful.length).toBeGreaterThan(2);
    expect(JSON.parse(changes.out).decisions).toHaveLength(eventful.length);
  });

  test('are made again bit for bit; one that comes out otherwise is shown, and ends with 5', async () => {
    const { out, code } = await scale('replay', 'sums');
    expect(out).toContain(`${records.length} of ${records.length} decisions come out the same`);
    expect(code).toBe(0);
    const later = records.at(-1)!;
    const input = { ...later.input, nowMs: later.input.nowMs + 1_000 };
    const strategy = { ...later.strategy, version: '0.0.1' };
    const outcome = { kind: 'failed', code: 'STRATEGY_FAILED', message: 'It threw.' } as const;
    const moved = { ...later, input };
    await keep(moved, { strategy, outcome });
    const differs = await scale('replay', 'sums');
    expect(differs.out).toContain(`${records.length} of ${records.length + 1} decisions`);
    expect(differs.out).toContain('threshold 0.1.0, was 0.0.1');
    expect(differs.err).toContain('npm install @tessera/strategy-threshold@0.0.1');
    expect(differs.err).toContain('(SCALING_REPLAY_DIFFERS)');
    expect(differs.code).toBe(5);
    const name = 'flink-jobs/sums/scaling-decisions';
    const id = String(Math.round(input.nowMs)).padStart(15, '0');
    await platform.client.flinkScalings.deleteScalingDecision({ name: `${name}/${id}` });
  });

  test('are compared with those of another strategy', async () => {
    const { out, code } = await scale('replay', 'sums', '--strategy', 'ds2', '--last', '10');
    expect(out).toMatch(/strategy-ds2 \S+ would have left the job at another size in \d+ of 10 /);
    expect(code).toBe(0);
  });

  test.each([
    { job: 'sumz', reason: 'FLINK_JOB_NOT_FOUND', says: 'flink-jobs/sumz' },
    { job: 'fixed', reason: 'SCALING_NOTHING_DECIDED', says: 'has no `scaling`' },
    { job: 'paused', reason: 'SCALING_NOTHING_DECIDED', says: 'is paused' },
    { job: 'new', reason: 'SCALING_NOTHING_DECIDED', says: 'does not run' },
  ])('there are none of $job, and the reason is said', async ({ job, reason, says }) => {
    for (const command of ['explain', 'replay']) {
      const { err, code } = await scale(command, job);
      expect(err).toContain(says);
      expect(err).toContain(`(${reason})`);
      expect(code).toBe(3);
    }
  });
});
