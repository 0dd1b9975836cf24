import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '@tessera/client';
import { silentLogger, startServer } from '@tessera/daemon';
import { runHost } from '@tessera/host';
import { flink } from '@tessera/proto';
import { composeScheduler, schedulerDefaults } from '@tessera/scheduler';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ended, type Outcome, started } from './command-line.ts';
import { emulateJobManager } from './emulated-job-manager.ts';
import { metadataInMemory } from './metadata-in-memory.ts';
import { ObedientScheduler } from './obedient-scheduler.ts';
import { tesseraHere } from './tessera-here.ts';

/** The commands of Flink as an operator types them, beside a scheduler that only says that all was done. */
const timeout = 60_000;
const clusterYaml = `apiVersion: tessera/v1
kind: FlinkCluster
name: orders
flinkVersion: 2.3.0
bundle: ${'a'.repeat(64)}
jobManager: { process: 1600 MiB }
taskManager: { process: 2 GiB, slots: 2 }
taskManagerCount: 2
stateDirectory: file:///shared/flink
`;
const jobYaml = `apiVersion: tessera/v1
kind: FlinkJob
name: sums
cluster: orders
parallelism: 2
sql: |
  INSERT INTO sink SELECT * FROM source;
`;
const jarYaml = jobYaml.replace(/sql:[\s\S]*/, 'jar: { file: jobs/sums.jar }\n');

let stack: AsyncDisposableStack;
let folder: string;
let address: string;
let client: Connection;
let scheduler: ObedientScheduler;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  ({ folder, address, client } = await metadataInMemory(stack));
  scheduler = stack.use(new ObedientScheduler(client));
});
afterEach(() => stack[Symbol.asyncDispose]());

const run = (...args: string[]): Promise<Outcome> => tesseraHere(address, args);

function file(text: string, name = 'flink.yaml'): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

async function startHost(): Promise<void> {
  const config = { name: 'a', directory: join(folder, 'host') };
  const addresses = { address: '127.0.0.1:0', metadataAddress: address };
  stack.use(await runHost(config, addresses, silentLogger));
}

const up = () => run('flink', 'up', file(`${clusterYaml}---\n${jobYaml}`));
const jobOf = (name = 'sums') => client.flinkJobs.getFlinkJob({ name: `flink-jobs/${name}` });

const reasonOf = (message: string) => {
  return { $case: 'answer', value: { reasons: [{ code: 'LOAD', message }] } } as const;
};

async function keepDecision(
  scalingDecisionId: string,
  eventful: boolean,
  decision: Parameters<typeof flink.ScalingDecision.fromPartial>[0],
): Promise<void> {
  await client.flinkScalings.createScalingDecision({
    ...{ parent: 'flink-jobs/sums', scalingDecisionId },
    scalingDecision: { eventful, decision },
  });
}

describe('flink up', () => {
  test('follows a cluster and its job until both are as they are wanted', { timeout }, async () => {
    const { code, out, err } = await up();
    expect({ code, out }).toEqual({ code: 0, out: 'cluster orders: RUNNING\njob sums: RUNNING\n' });
    expect(err).toContain('job sums: ');
    expect((await up()).code).toBe(0);
    expect((await jobOf()).version).toBe(1n);
  });

  test('ends when somebody has to do something, and says what; it goes on all the same', {
    timeout,
  }, async () => {
    scheduler.hindrances.set('orders', 'CAPACITY_SHORT');
    const stuck = await run('flink', 'up', '--patience', '1', file(clusterYaml));
    expect(stuck.code).toBe(5);
    expect(stuck.err).toContain('not as wanted (CAPACITY_SHORT): Something is in the way.');
    expect(stuck.err).toContain('FLINK_NEEDS_HELP');
    const paused = await run('flink', 'up', file(`${clusterYaml}paused: true\n`));
    expect(paused.code).toBe(5);
    expect(paused.err).toContain("'paused: false'");
    scheduler.hindrances.clear();
    expect((await run('flink', 'up', file(clusterYaml))).code).toBe(0);
    const written = await run('flink', 'up', '--no-wait', file(clusterYaml));
    expect(written.out).toBe('applied cluster orders\n');
  });

  test('ends when no scheduler leads that would carry it out, whether or not one did before; it is written down', {
    timeout,
  }, async () => {
    await up();
    await scheduler[Symbol.asyncDispose]();
    const changed = jobYaml.replace('parallelism: 2', 'parallelism: 3');
    for (const name of ['sums', 'new']) {
      const job = file(changed.replace('sums', name));
      const { code, out, err } = await run('flink', 'job', 'apply', '--patience', '1', job);
      expect({ code, out }).toEqual({ code: 4, out: '' });
      expect(err).toContain('NO_SCHEDULER');
      expect((await jobOf(name)).spec?.parallelism).toBe(3);
    }
    scheduler = stack.use(new ObedientScheduler(client));
    expect((await run('flink', 'job', 'apply', file(changed))).code).toBe(0);
  });

  test('refuses files that hold something else, or nothing', { timeout }, async () => {
    const project = file('apiVersion: tessera/v1\nkind: Project\nname: p\n', 'p.yaml');
    expect((await run('flink', 'up', project)).err).toContain('NOT_OF_FLINK');
    expect((await run('flink', 'up')).code).toBe(2);
    expect((await run('flink', 'job', 'apply', file(clusterYaml))).err).toContain(
      'There is no FlinkJob in',
    );
    const waiting = await run('flink', 'up', '--patience', 'long', file(clusterYaml));
    expect(waiting).toMatchObject({ code: 2, err: expect.stringContaining('BAD_NUMBER') });
  });

  test('puts a jar on hosts, finds the bundle that hosts have, and says where a jar is missing', {
    timeout,
  }, async () => {
    await startHost();
    const bundle = file('a bundle', 'flink-2.3.0.tar');
    const { digest } = JSON.parse((await run('--json', 'artifact', 'put', bundle)).out);
    const unnamed = clusterYaml.replace(/bundle: .*\n/, '');
    const yaml = `${unnamed}---\n${jarYaml}`;
    const missing = await run('flink', 'up', file(yaml));
    expect(missing.code).toBe(2);
    expect(missing.err).toMatch(/flink\.yaml:\d+:14: the jar of job sums, .*jobs\/sums\.jar/);
    mkdirSync(join(folder, 'jobs'));
    file('a jar', 'jobs/sums.jar');
    expect((await run('apply', '-f', file(yaml))).err).toContain('FLINK_FILE_UNRESOLVED');
    expect(await run('flink', 'up', file(yaml))).toMatchObject({ code: 0 });
    const cluster = await client.flinkClusters.getFlinkCluster({ name: 'flink-clusters/orders' });
    expect(cluster.spec?.bundle).toBe(`artifacts/${digest}`);
    const names = JSON.parse((await run('--json', 'artifact', 'list')).out).map(
      ({ displayName }: { displayName: string }) => displayName,
    );
    expect(names.sort()).toEqual(['flink-2.3.0.tar', 'sums.jar']);
  });
});

test('flink up that cannot make a bundle says how one is named that hosts have under another name', {
  timeout,
}, async () => {
  await startHost();
  const put = await run('--json', 'artifact', 'put', file('a bundle', 'by-hand.tar'));
  const { digest } = JSON.parse(put.out);
  const unnamed = clusterYaml.replace('2.3.0', '2.99.0').replace(/bundle: .*\n/, '');
  const { code, err } = await run('flink', 'up', file(unnamed));
  expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('FLINK_VERSION_UNKNOWN') });
  expect(err).toContain(
    "No host has one that is called flink-2.99.0.tar; where one has it under another name, write its SHA-256, which 'tessera artifact list' tells, as 'bundle' of cluster orders.",
  );
  expect(await run('flink', 'up', file(`${unnamed}bundle: ${digest}\n`))).toMatchObject({
    code: 0,
  });
});

describe('flink status and top', () => {
  test('show processes, slots, jobs and what they do', { timeout }, async () => {
    await startHost();
    const jobManager = stack.use(await emulateJobManager('a'.repeat(32)));
    scheduler.restPort = jobManager.port;
    await up();
    const { code, out } = await run('flink', 'status', 'orders');
    const rows = out.split('\n').map((line) => line.split(/ {2,}/).join(' '));
    expect(code).toBe(0);
    expect(rows).toContain('Flink 2.3.0, version 1, 2 TaskManagers wanted, 4 slots, 2 free');
    expect(rows).toContain(`jm-1 a answers 1, ${jobManager.port}, 3`);
    expect(rows).toContain('tm-1 a registered 10');
    expect(rows).toContain('tm-2 a started 11');
    expect(rows).toContain('sums RUNNING 1 2 1 12 at 1970-01-01 00:00:01 savepoint-1');
    const top = await run('flink', 'top', '--once', '--interval', '1');
    const measured = top.out.split('\n').map((line) => line.trim().split(/ {2,}/).join(' '));
    expect(measured).toContain('orders RUNNING 2 4 2');
    expect(measured).toContain('sums orders RUNNING 1,000 900 1,234 75% 2 2');
  });

  test('show the size that scaling wants of a job, and why', { timeout }, async () => {
    const scaled = file(`${clusterYaml}---\n${jobYaml}scaling: {}\n`);
    expect((await run('flink', 'up', scaled)).code).toBe(0);
    const size = { parallelism: { source: 1, work: 6 }, slots: 6 };
    scheduler.instead.set('sums', { size });
    await expect
      .poll(async () => (await run('flink', 'job', 'list')).out, { timeout })
      .toMatch(/sums +orders +6 +RUNNING/);
    const eventful = { input: { nowMs: 1_000 }, outcome: reasonOf('twice the load is expected') };
    await keepDecision('1', true, eventful);
    await keepDecision('2', false, { outcome: reasonOf('all is well') });
    const line =
      'job sums has 6 slots by scaling; 1970-01-01 00:00:01: twice the load is expected\n';
    expect((await run('flink', 'status')).out).toContain(line);
    expect((await run('flink', 'top', '--once', '--interval', '1')).out).toContain(line);
  });

  test('say what is not known where the JobManager cannot be reached, and what is not as wanted', {
    timeout,
  }, async () => {
    expect((await run('flink', 'status')).out).toContain('There is no Flink cluster');
    await up();
    const status = await run('flink', 'status');
    expect(status.out).toContain('slots are not known: its JobManager does not answer here');
    const top = await run('flink', 'top', '--once', '--interval', '1');
    expect(top.out.split('\n').at(-2)).toMatch(/^sums +orders +RUNNING +- +- +- +- +- of 2 +-/);
    scheduler.instead.set('sums', { waitsFor: 'a TaskManager with a free slot' });
    await expect
      .poll(async () => (await run('flink', 'job', 'list')).out, { timeout })
      .toContain('a TaskManager with a free slot');
    expect((await run('flink', 'status')).code).toBe(1);
    expect(await run('flink', 'job', 'status', 'sums')).toMatchObject({
      code: 1,
      out: expect.stringContaining('RUNNING: waits for a TaskManager with a free slot'),
    });
    for (const command of ['status', 'top']) {
      const unknown = await run('flink', command, 'nothing');
      expect(unknown).toMatchObject({ code: 3, err: expect.stringContaining('NOT_FOUND') });
    }
  });
});

test('flink logs finds the host of a process, and names those that there are', {
  timeout,
}, async () => {
  await startHost();
  await up();
  await run('host', 'start', 'a', 'orders-tm-2', '--', 'echo', 'hello');
  await expect
    .poll(async () => (await run('flink', 'logs', 'orders', 'tm-2')).out, { timeout })
    .toBe('hello\n');
  const unknown = await run('flink', 'logs', 'orders', 'tm-9');
  expect(unknown.code).toBe(3);
  expect(unknown.err).toContain('has no process tm-9: it has jm-1, tm-1, tm-2.');
  expect((await run('flink', 'logs', 'nothing')).code).toBe(3);
});

describe('host drain', () => {
  test('that has no room elsewhere ends with 5, and says that it goes on and how to undo it', {
    timeout,
  }, async () => {
    await startHost();
    await up();
    scheduler.remarks.set('orders', 'DRAIN_BLOCKED');
    const { code, err } = await run('host', 'drain', 'a', '--patience', '1');
    expect(code).toBe(5);
    expect(err).toContain('is not drained: 3 processes of orders left: Something is in the way.');
    expect(err).toContain("The drain goes on by itself: 'tessera host drain a'");
    expect(err).toContain("'tessera host undrain a' takes it back. (HOST_DRAIN_BLOCKED)");
    expect((await client.hosts.getHost({ name: 'hosts/a' })).draining).toBe(true);
    const impatient = await run('host', 'drain', 'a', '--patience', 'soon');
    expect(impatient).toMatchObject({ code: 2, err: expect.stringContaining('--patience') });
  });

  test('that is interrupted says that it goes on and how to undo it', { timeout }, async () => {
    await startHost();
    await up();
    const child = started(['host', 'drain', 'a'], folder, address);
    stack.defer(() => void child.kill('SIGKILL'));
    const outcome = ended(child);
    child.stdout!.once('data', () => child.kill('SIGINT'));
    const { code, err } = await outcome;
    expect(code).toBe(130);
    expect(err).toContain(
      "No longer followed. The drain goes on by itself: 'tessera host drain a'",
    );
    expect(err).toContain("'tessera host undrain a' takes it back. (FOLLOWING_INTERRUPTED)");
    expect((await client.hosts.getHost({ name: 'hosts/a' })).draining).toBe(true);
  });
});

describe('flink job', () => {
  test('suspends, resumes, upgrades and goes back, each time waiting until it is so', {
    timeout,
  }, async () => {
    await up();
    expect((await run('flink', 'job', 'suspend', 'sums')).out).toBe('job sums: SUSPENDED\n');
    expect((await jobOf()).spec?.suspended).toBe(true);
    expect((await run('flink', 'job', 'resume', 'sums')).out).toBe('job sums: RUNNING\n');
    const sql = file('INSERT INTO sink SELECT 2 FROM source;\n', 'new.sql');
    const upgrade = ['flink', 'job', 'upgrade', 'sums'];
    const upgraded = await run(...upgrade, '--sql', sql, '--parallelism', '3', '--until-stable');
    expect(upgraded.code).toBe(0);
    expect((await jobOf()).spec).toMatchObject({
      parallelism: 3,
      program: { value: { script: 'INSERT INTO sink SELECT 2 FROM source;\n' } },
    });
    expect(await run('flink', 'job', 'rollback', 'sums')).toMatchObject({ code: 0 });
    expect((await jobOf()).spec?.parallelism).toBe(2);
    const history = await run('flink', 'job', 'history', 'sums');
    const changes = history.out
      .split('\n')
      .slice(2, -1)
      .map((line) => line.replace(/^ *(\d+) .*\d\d:\d\d(:\d\d)? {2}/, '$1 '));
    expect(changes).toEqual([
      '5 as version 3',
      '4 sql, parallelism',
      '3 as version 1',
      '2 suspended',
      '1 the first one',
    ]);
    await run('flink', 'job', 'rollback', 'sums', '--to-version', '2');
    expect((await jobOf()).spec?.suspended).toBe(true);
  });

  test('makes a savepoint of a job that goes on, lists it, and says why there is none', {
    timeout,
  }, async () => {
    await up();
    const made = await run('flink', 'job', 'savepoint', 'sums');
    expect(made).toMatchObject({ code: 0, out: 'file:///shared/flink/requested/1\n' });
    expect((await jobOf()).version).toBe(1n);
    const { out } = await run('flink', 'job', 'status', 'sums');
    expect(out).toMatch(/COMPLETED +file:\/\/\/shared\/flink\/requested\/1\n/);
    scheduler.savepointFailure = 'the disk is full';
    const failed = await run('flink', 'job', 'savepoint', 'sums');
    expect(failed).toMatchObject({ code: 5, err: expect.stringContaining('the disk is full') });
    await run('flink', 'job', 'suspend', 'sums');
    const stopped = await run('flink', 'job', 'savepoint', 'sums');
    expect(stopped.code).toBe(5);
    expect(stopped.err).toContain('is SUSPENDED: a savepoint is made of a job that runs only.');
    expect(stopped.err).toContain('savepoints/x/savepoint-1');
  });

  test('says that a savepoint gave way to another one that was asked for', {
    timeout,
  }, async () => {
    await up();
    scheduler.heardRequest = 'another';
    const asked = run('flink', 'job', 'savepoint', 'sums');
    await expect.poll(async () => (await jobOf()).savepointRequest, { timeout }).not.toBe('');
    const flinkJob = { name: 'flink-jobs/sums', savepointRequest: 'another' };
    await client.flinkJobs.updateFlinkJob({ flinkJob, updateMask: ['savepoint_request'] });
    const { code, err } = await asked;
    expect({ code, err }).toEqual({
      code: 5,
      err: expect.stringContaining('SAVEPOINT_SUPERSEDED'),
    });
  });

  test('does not wait for a savepoint that no scheduler makes', { timeout }, async () => {
    await up();
    await scheduler[Symbol.asyncDispose]();
    const { code, err } = await run('flink', 'job', 'savepoint', 'sums', '--patience', '1');
    expect({ code, err }).toEqual({ code: 4, err: expect.stringContaining('NO_SCHEDULER') });
    expect((await jobOf()).savepointRequest).not.toBe('');
  });

  test('changes nothing when it is asked for what is so already, and says so', {
    timeout,
  }, async () => {
    await up();
    for (const args of [['resume'], ['upgrade', '--parallelism', '2']]) {
      const { code, out, err } = await run('flink', 'job', args[0]!, 'sums', ...args.slice(1));
      expect({ code, out }).toEqual({ code: 0, out: 'job sums: RUNNING\n' });
      expect(err).toContain('job sums was wanted so already: version 1 stays');
    }
    await run('flink', 'job', 'suspend', 'sums');
    const again = await run('flink', 'job', 'suspend', 'sums');
    expect(again.err).toContain('version 2 stays');
  });

  test('keeps what is wanted when a file is wrong, and says where', { timeout }, async () => {
    await up();
    const wrong = file(jobYaml.replace('parallelism: 2', 'paralelism: 3'));
    const { code, err } = await run('flink', 'job', 'apply', wrong);
    expect(code).toBe(2);
    expect(err).toMatch(/flink\.yaml:5:1: paralelism: .* did you mean parallelism/);
    expect((await jobOf()).version).toBe(1n);
  });

  test('is refused where its file says so when the scheduler does not have its strategy, or that not its options', {
    timeout,
  }, async () => {
    const config = { ...schedulerDefaults, workDirectory: folder };
    const { services } = stack.use(
      await composeScheduler(config, { clients: client, log: silentLogger }),
    );
    const server = await startServer({ address: '127.0.0.1:0', services, log: silentLogger });
    const apart = `metadata=${address};scheduler=${stack.use(server).address}`;
    await run('flink', 'up', file(clusterYaml));
    const strategy = "strategy: '@tessera/strategy-threshold'";
    const applied = (scaling: string) =>
      tesseraHere(apart, ['flink', 'job', 'apply', file(`${jobYaml}scaling: { ${scaling} }\n`)]);
    for (const [scaling, named] of [
      ["strategy: '@acme/absent'", 'npm install @acme/absent'],
      [`${strategy}, options: { targt: 0.6 }`, 'targt'],
      ["vetoes: [{ veto: '@acme/absent' }]", 'npm install @acme/absent'],
    ] as const) {
      const { code, err } = await applied(scaling);
      expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('SCALING_REFUSED') });
      expect(err).toMatch(/flink\.yaml:8:\d+: /);
      expect(err).toContain(named);
    }
    expect((await run('flink', 'job', 'list')).out).not.toContain('sums');
    expect(await applied(`${strategy}, options: { target: 0.6 }`)).toMatchObject({ code: 0 });
  });

  test('is not as it is wanted while it runs smaller, and says what to do', {
    timeout,
  }, async () => {
    await up();
    const message = 'It runs with 2 of 64 subtasks. Give the cluster more TaskManagers.';
    scheduler.instead.set('sums', {
      waitsFor: 'slots for parallelism 64: it runs with 2',
      conditions: [flink.FlinkCondition.fromPartial({ reason: 'RUNS_SMALLER', message })],
    });
    const upgrade = ['flink', 'job', 'upgrade', 'sums', '--parallelism', '64'];
    const { code, err } = await run(...upgrade, '--patience', '1');
    expect(code).toBe(5);
    expect(err).toContain('RUNNING: waits for slots for parallelism 64');
    expect(err).toContain(message);
  });

  test('says what cannot be done, and what can', { timeout }, async () => {
    const job = (...args: string[]) => run('flink', 'job', ...args);
    expect(await job('suspend', 'nothing')).toMatchObject({ code: 3 });
    expect(await job('history', 'nothing')).toMatchObject({ code: 3 });
    const unknown = await job('list', 'nothing');
    expect(unknown).toMatchObject({ code: 3, out: '' });
    expect(unknown.err).toContain('FLINK_CLUSTER_NOT_FOUND');
    expect(await job('apply', file(jobYaml))).toMatchObject({
      code: 3,
      err: expect.stringContaining('4:10: There is no flink-clusters/orders'),
    });
    await run('flink', 'up', file(clusterYaml));
    expect(await job('list', 'orders')).toMatchObject({ code: 0, err: '' });
    await up();
    expect((await job('rollback', 'sums')).err).toContain('FLINK_NO_OLDER_VERSION');
    for (const option of ['--to', '--to-version']) {
      const never = await job('rollback', 'sums', option, '9');
      expect(never).toMatchObject({ code: 2, err: expect.stringContaining('VERSION_UNKNOWN') });
      expect(never.err).toContain("'tessera flink job history sums' lists its versions");
    }
    expect((await job('upgrade', 'sums')).err).toContain('NOTHING_TO_UPGRADE');
    expect((await job('upgrade', 'sums', '--jar', 'none.jar')).code).toBe(2);
    scheduler.instead.set('sums', {
      waitsFor: 'the spec to be changed',
      conditions: [
        flink.FlinkCondition.fromPartial({ reason: 'GIVEN_UP', message: 'It failed too often.' }),
      ],
    });
    const given = await job('upgrade', 'sums', '--parallelism', '7');
    expect(given).toMatchObject({ code: 5, err: expect.stringContaining('It failed too often.') });
  });
});
