import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '@tessera/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Outcome } from './command-line.ts';
import { metadataInMemory } from './metadata-in-memory.ts';
import { tesseraHere } from './tessera-here.ts';

/** Clusters and jobs of Flink, as a user writes, reads and deletes them by the command line. */
const timeout = 60_000;
const clusterYaml = `apiVersion: tessera/v1
kind: FlinkCluster
name: orders
flinkVersion: 2.3.0
bundle: ${'a'.repeat(64)}
jobManager: { process: 1600 MiB }
taskManager:
  process: 2 GiB
  slots: 2
stateDirectory: file:///shared/flink
configuration:
  state.backend.type: hashmap
`;
const jobYaml = `apiVersion: tessera/v1
kind: FlinkJob
name: sums
cluster: orders
parallelism: 2
sql: |
  INSERT INTO sink SELECT * FROM source;
`;

let stack: AsyncDisposableStack;
let folder: string;
let address: string;
let client: Connection;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  ({ folder, address, client } = await metadataInMemory(stack));
});
afterEach(() => stack[Symbol.asyncDispose]());

const run = (...args: string[]): Promise<Outcome> => tesseraHere(address, args);

async function apply(yaml: string): Promise<Outcome> {
  writeFileSync(join(folder, 'flink.yaml'), yaml);
  return run('apply', '-f', join(folder, 'flink.yaml'));
}

test('a job may stand in front of its cluster, and what is exported applies without a difference', {
  timeout,
}, async () => {
  expect(await apply(`${jobYaml}---\n${clusterYaml}`)).toEqual({
    code: 0,
    out: 'applied FlinkJob sums\napplied FlinkCluster orders\n',
    err: '',
  });
  const exported = [
    (await run('export', 'flink-cluster')).out,
    (await run('export', 'FlinkJob')).out,
  ].join('---\n');
  expect(exported).toContain('jobManager: { process: 1600 MiB }\n');
  expect((await apply(exported)).code).toBe(0);
  const { version } = await client.flinkClusters.getFlinkCluster({ name: 'flink-clusters/orders' });
  expect(version).toBe(1n);
  const diff = (yaml: string) => {
    writeFileSync(join(folder, 'other.yaml'), yaml);
    return run('diff', '-f', join(folder, 'other.yaml'));
  };
  expect(await diff(exported.replace('2 GiB', '2048 MiB'))).toMatchObject({ code: 0 });
  const changed = await diff(exported.replace('2 GiB', '3 GiB'));
  expect(changed.code).toBe(1);
  expect(changed.out).toContain('taskManager.process: 2 GiB → 3 GiB');
});

test('how a job is scaled, and how far its cluster follows, is not lost on the way', {
  timeout,
}, async () => {
  const follows = clusterYaml.replace('stateDirectory', 'maxTaskManagerCount: 4\nstateDirectory');
  const scaled = `${jobYaml}scaling:\n  options: { target: 0.6 }\n  maxLag: 30s\n`;
  expect((await apply(`${follows}---\n${scaled}`)).code).toBe(0);
  const job = await client.flinkJobs.getFlinkJob({ name: 'flink-jobs/sums' });
  expect(job.spec?.scaling).toMatchObject({ options: '{"target":0.6}', maxLag: { seconds: 30n } });
  expect((await run('get', 'flink-clusters')).out).toContain('1 to 4');
  writeFileSync(join(folder, 'other.yaml'), scaled.replace('30s', '1m'));
  const changed = await run('diff', '-f', join(folder, 'other.yaml'));
  expect(changed.out).toBe('~ FlinkJob sums\n    ~ scaling.maxLag: 30s → 1m\n');
});

test('tables say how far clusters and jobs are, and what they wait for', { timeout }, async () => {
  await apply(`${clusterYaml}---\n${jobYaml}`);
  const table = async (kind: string) => (await run('get', kind)).out.split('\n').map(trimmed);
  expect(await table('flink-clusters')).toEqual([
    'NAME FLINK TASKMANAGERS STATUS WAITS FOR',
    expect.stringMatching(/^-/),
    'orders 2.3.0 1 NEW a scheduler to look at it',
    '',
  ]);
  await client.flinkJobs.updateFlinkJobStatus({
    flinkJobStatus: {
      ...{ name: 'flink-job-statuses/sums', version: 1n, phase: 1 },
      waitsFor: 'a TaskManager with a free slot',
      conditions: [{ reason: 'SLOTS_SHORT', message: 'No slot is free.' }],
    },
  });
  const row = 'sums orders 2 STOPPED a TaskManager with a free slot';
  expect(await table('flink-jobs')).toContain(row);
  const described = (await run('describe', 'flink-job', 'sums')).out;
  expect(described).toContain('STOPPED: waits for a TaskManager with a free slot\n');
  expect(described).toContain('SLOTS_SHORT');
  expect((await run('describe', 'flink-cluster', 'orders')).out).toContain('NEW: waits for');
  const json = JSON.parse((await run('--json', 'get', 'flink-jobs')).out);
  expect(json).toMatchObject([{ name: 'sums', status: { waitsFor: expect.any(String) } }]);
});

test('deleting goes by the rules, and what is being stopped is still shown', {
  timeout,
}, async () => {
  await apply(`${clusterYaml}---\n${jobYaml}`);
  const refused = await run('delete', 'flink-cluster', 'orders');
  expect(refused.code).toBe(5);
  expect(refused.err).toContain('flink-clusters/orders has jobs: flink-jobs/sums.');
  await client.flinkJobs.updateFlinkJobStatus({
    flinkJobStatus: { name: 'flink-job-statuses/sums', version: 1n },
  });
  expect((await run('delete', 'flink-job', 'sums')).out).toBe('deleted FlinkJob sums\n');
  expect((await run('get', 'flink-jobs')).out).toContain('ENDING');
  const again = await apply(jobYaml);
  expect(again.code).toBe(5);
  expect(again.err).toContain('is still being stopped');
  expect((await run('get', 'flink-job', 'none')).err).toContain('There is no flink-job none');
});

test.each([
  ['memory that is not enough', clusterYaml, '2 GiB', '300 MiB', '8:12', 'its parts need'],
  ['a heap that is not enough', clusterYaml, '1600 MiB', '0.25 GiB', '6:24', 'its parts need'],
  [
    'a key that is computed',
    clusterYaml,
    'state.backend.type: hashmap',
    'rest.port: 8081',
    '12:14',
    'leave it out',
  ],
  [
    'a cluster that is not there',
    jobYaml,
    'cluster: orders',
    'cluster: others',
    '4:10',
    'create it',
  ],
  [
    'a zone of no place',
    jobYaml,
    'parallelism: 2',
    'scaling: { windows: [{ name: a, rule: only, timeZone: Mars, from: 01:00, to: 02:00 }] }',
    '5:22',
    'timeZone "Mars" is not known',
  ],
  [
    'a time to judge a rescale of a week',
    jobYaml,
    'parallelism: 2',
    'scaling: { rollback: { avoid: 168h } }',
    '5:31',
    'it must be 0 to 86400000',
  ],
  ['a script without a statement', jobYaml, /INSERT.*/, '-- later', '6:6', 'holds no statement'],
  [
    'a savepoint to begin with as a key',
    jobYaml,
    'parallelism: 2',
    'configuration: { execution.state-recovery.path: x }',
    '5:49',
    'leave it out',
  ],
])(
  '%s is told with file, line and what to do',
  { timeout },
  async (_, yaml, from, to, at, what) => {
    const refused = await apply(yaml.replace(from, to));
    expect([2, 3]).toContain(refused.code);
    expect(refused.err).toContain(`flink.yaml:${at}: `);
    expect(refused.err).toContain(what);
    expect(refused.out).toBe('');
  },
);

const trimmed = (line: string) => line.trim().replaceAll(/ {2,}/g, ' ');
