import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sqlStatements } from '@tessera/flink';
import { expectReason } from '@tessera/testkit/contracts';
import { type FlinkServers, flinkFolder, startFlink } from '@tessera/testkit/flink';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobState, JobVertex } from './answers/job.ts';
import { FlinkRestClient } from './flink-rest-client.ts';
import { runSqlScript } from './run-sql-script.ts';
import { SqlGatewayClient } from './sql-gateway-client.ts';

const hex = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32);
const poll = { timeout: 120_000, interval: 100 };
const machine = 'org.apache.flink.streaming.examples.statemachine.StateMachineExample';

describe.skipIf(flinkFolder() === undefined)(
  'Apache Flink (scripts/install-test-deps.sh)',
  { timeout: 300_000 },
  () => {
    let servers: FlinkServers;
    let flink: FlinkRestClient;
    let gateway: SqlGatewayClient;
    let jarId: string;
    beforeAll(async () => {
      servers = await startFlink({
        slots: 4,
        sqlGateway: true,
        configuration: { 'execution.checkpointing.interval': '500 ms' },
      });
      flink = new FlinkRestClient({ url: servers.url, deadlineMs: 60_000 });
      gateway = new SqlGatewayClient({ url: servers.sqlGatewayUrl, deadlineMs: 60_000 });
      jarId = await flink.uploadJar(servers.examplesJar);
    }, 300_000);
    afterAll(() => servers?.[Symbol.asyncDispose]());

    const isState = (jobId: string, state: JobState) =>
      expect.poll(async () => (await flink.job(jobId)).state, poll).toBe(state);

    /** Waits until all tasks run. Subtasks of a source that find no split left have finished. */
    async function allRun(jobId: string, parallelism: number): Promise<void> {
      const isUp = ({ parallelism: size, tasks }: JobVertex) =>
        size === parallelism && (tasks.RUNNING ?? 0) + (tasks.FINISHED ?? 0) === size;
      const areUp = async () => {
        const { vertices } = await flink.job(jobId);
        return vertices.length > 0 && vertices.every(isUp);
      };
      await expect.poll(areUp, poll).toBe(true);
    }

    async function run(name: string, savepointPath?: string): Promise<string> {
      const jobId = hex(name);
      const program = { jarId, jobId, entryClass: machine, programArguments: ['--rps', '200'] };
      const from = savepointPath === undefined ? {} : { savepointPath };
      expect(await flink.runJar({ ...program, ...from, parallelism: 1 })).toBe(jobId);
      await allRun(jobId, 1);
      return jobId;
    }

    /** Without tries of the gateway's own. */
    function insertAtOnce(name: string): Promise<readonly string[]> {
      const statements = sqlStatements(`
        CREATE TEMPORARY TABLE src (k INT) WITH ('connector' = 'datagen');
        CREATE TEMPORARY TABLE snk (k INT) WITH ('connector' = 'blackhole');
        INSERT INTO snk SELECT k FROM src`);
      const configuration = {
        '$internal.pipeline.job-id': hex(name),
        'rest.retry.max-attempts': '0',
      };
      return runSqlScript(gateway, { statements, configuration }, AbortSignal.timeout(200_000));
    }

    async function hasCheckpoint(jobId: string): Promise<void> {
      const completed = async () => (await flink.checkpoints(jobId)).completed;
      await expect.poll(completed, poll).toBeGreaterThan(0);
    }

    async function savepointPath(jobId: string, triggerId: string): Promise<string> {
      const status = async () => (await flink.savepoint({ jobId, triggerId }))?.status;
      await expect.poll(status, poll).toBe('COMPLETED');
      const savepoint = await flink.savepoint({ jobId, triggerId });
      if (savepoint?.status !== 'COMPLETED') throw new Error('the savepoint has gone');
      expect(existsSync(fileURLToPath(savepoint.path))).toBe(true);
      return savepoint.path;
    }

    test('tells of its processes', async () => {
      expect(await flink.clusterOverview()).toMatchObject({
        flinkVersion: '2.3.0',
        taskManagers: 1,
        slots: 4,
      });
      const [taskManager] = await flink.taskManagers();
      expect(taskManager).toMatchObject({ id: 'test-tm-1', slots: 4 });
      const heartbeat = async () => (await flink.taskManagers())[0]?.lastHeartbeatAtMs;
      await expect.poll(heartbeat, poll).toBeGreaterThan(Date.UTC(2020));
      expect(await flink.taskManager('test-tm-1')).toMatchObject({ slots: 4 });
      expect((await flink.jobManagerConfiguration()).get('jobmanager.scheduler')).toBe('adaptive');
      expect((await flink.jobManagerEnvironment()).classpath.join()).toContain('flink-dist');
      expect((await flink.jars()).map(({ id }) => id)).toContain(jarId);
    });

    test('runs, observes and rescales a job', async () => {
      const jobId = await run('observed');
      await hasCheckpoint(jobId);
      expect((await flink.jobs()).find(({ id }) => id === jobId)).toMatchObject({
        state: 'RUNNING',
      });
      const job = await flink.job(jobId);
      const [source, sink] = [job.vertices[0]!, job.vertices.at(-1)!];
      expect(sink.inputs).toMatchObject([{ vertexId: source.id, shipStrategy: 'HASH' }]);
      expect(source).toMatchObject({ state: 'RUNNING', inputs: [], tasks: { RUNNING: 1 } });
      const vertex = { jobId, vertexId: sink.id };
      expect(await flink.subtasks(vertex)).toMatchObject([
        { index: 0, state: 'RUNNING', attempt: 0, taskManagerId: 'test-tm-1' },
      ]);
      const recordsIn = async () =>
        (await flink.aggregatedMetrics(vertex, ['numRecordsIn', 'nothing'])).get('numRecordsIn')
          ?.sum;
      await expect.poll(recordsIn, poll).toBeGreaterThan(0);
      const bySubtask = await flink.metrics({ kind: 'vertex', ...vertex }, ['0.numRecordsIn']);
      expect(bySubtask.get('0.numRecordsIn')).toBeGreaterThan(0);
      expect(await flink.metricNames({ kind: 'job', jobId })).toContain('numRestarts');
      const heap = 'Status.JVM.Memory.Heap.Used';
      for (const scope of [
        { kind: 'jobManager' },
        { kind: 'taskManager', id: 'test-tm-1' },
      ] as const) {
        await expect
          .poll(async () => (await flink.metrics(scope, [heap])).get(heap), poll)
          .toBeGreaterThan(0);
      }
      const wanted = await flink.resourceRequirements(jobId);
      expect([...wanted.keys()].sort()).toEqual(job.vertices.map(({ id }) => id).sort());
      const doubled = [...wanted.keys()].map(
        (id) => [id, { lowerBound: 1, upperBound: 2 }] as const,
      );
      await flink.setResourceRequirements(jobId, new Map(doubled));
      expect(await flink.resourceRequirements(jobId)).toEqual(new Map(doubled));
      await flink.triggerCheckpoint(jobId);
      await allRun(jobId, 2);
      await flink.cancel(jobId);
      await isState(jobId, 'CANCELED');
      await flink.cancel(jobId).catch(() => {});
    });

    test('takes a job id once', async () => {
      const jobId = await run('once');
      const again = { jarId, jobId, entryClass: machine };
      await expectReason(flink.runJar(again), 'FLINK_JOB_EXISTS');
      await flink.cancel(jobId);
      await isState(jobId, 'CANCELED');
      await expectReason(flink.runJar(again), 'FLINK_JOB_EXISTS');
    });

    test('goes on from a savepoint that a job was stopped with, and makes it once', async () => {
      const jobId = await run('stopped');
      const triggerId = hex('trigger');
      const stop = { triggerId, format: 'NATIVE' } as const;
      expect(await flink.savepoint({ jobId, triggerId })).toBeUndefined();
      expect(await flink.stopWithSavepoint(jobId, stop)).toBe(triggerId);
      expect(await flink.stopWithSavepoint(jobId, stop)).toBe(triggerId);
      const path = await savepointPath(jobId, triggerId);
      await isState(jobId, 'FINISHED');
      const { latestSavepoint, restoredAtMs } = await flink.checkpoints(jobId);
      expect(latestSavepoint).toMatchObject({ path });
      expect(restoredAtMs).toBeUndefined();
      const next = await run('goes on', path);
      const after = await flink.checkpoints(next);
      expect(after.restored).toBe(1);
      expect(after.restoredAtMs).toBeGreaterThan(latestSavepoint!.triggeredAtMs);
      const other = await flink.triggerSavepoint(next, { format: 'NATIVE' });
      await savepointPath(next, other);
      await flink.cancel(next);
      await isState(next, 'CANCELED');
    });

    test('says why it does not do what it is asked for', async () => {
      const job = hex('nobody');
      await expectReason(flink.job(job), 'FLINK_NOT_FOUND');
      await expectReason(flink.cancel(job), 'FLINK_NOT_FOUND');
      await expectReason(flink.checkpoints(job), 'FLINK_NOT_FOUND');
      const triggerId = await flink.stopWithSavepoint(job);
      const stop = () => flink.savepoint({ jobId: job, triggerId });
      await expect.poll(stop, poll).toMatchObject({
        status: 'FAILED',
        failure: expect.stringContaining(job),
      });
      await expectReason(flink.resourceRequirements(job), 'FLINK_NOT_FOUND');
      await expectReason(flink.taskManager('nobody'), 'FLINK_NOT_FOUND');
      await expectReason(flink.runJar({ jarId: 'nothing.jar' }), 'FLINK_NOT_FOUND');
      await expect(flink.runJar({ jarId, entryClass: 'no.Such' })).rejects.toMatchObject({
        reason: 'FLINK_REFUSED',
        message: expect.stringContaining('no.Such'),
      });
    });

    test('runs a script of SQL under a given job id', async () => {
      const signal = AbortSignal.timeout(200_000);
      const jobId = hex('sql');
      const configuration = { '$internal.pipeline.job-id': jobId, 'parallelism.default': '1' };
      const tables = `
        CREATE TEMPORARY TABLE src (k INT, v BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100');
        CREATE TEMPORARY TABLE snk (k INT, n BIGINT) WITH ('connector' = 'blackhole'); -- nothing; at all
      `;
      const insert = 'INSERT INTO snk SELECT k, COUNT(*) FROM src GROUP BY k;';
      expect(await gateway.version()).toBe('2.3.0');
      const script = { statements: sqlStatements(`${tables}${insert}`), configuration };
      expect(await runSqlScript(gateway, script, signal)).toEqual([jobId]);
      await allRun(jobId, 1);
      await expectReason(runSqlScript(gateway, script, signal), 'FLINK_JOB_EXISTS');
      await flink.cancel(jobId);
      await isState(jobId, 'CANCELED');
    });

    test.each<[string, string, failure: string, at: string]>([
      ['does not plan', 'SELECT nothing\n FROM nowhere', "'nowhere' not found", '2:7'],
      ['does not parse', '  SELECT 1 FROM FROM', "near the keyword 'FROM'", '1:17'],
      [
        'has no connector',
        "CREATE TABLE t (a INT) WITH ('connector' = 'no'); SELECT * FROM t",
        "'no'",
        '1:51',
      ],
    ])(
      'says where in a script a statement is wrong that %s, and why',
      async (_, wrong, failure, at) => {
        const script = { statements: sqlStatements(`SET 'a' = 'b';\n${wrong}; SELECT 1`) };
        const [line, column] = at.split(':').map(Number);
        await expect(
          runSqlScript(gateway, script, AbortSignal.timeout(200_000)),
        ).rejects.toMatchObject({
          reason: 'FLINK_STATEMENT_FAILED',
          metadata: {
            failure: expect.stringContaining(failure),
            line: String(line! + 1),
            column: String(column),
          },
        });
      },
    );

    test('that hangs is unreachable until it goes on', async () => {
      const hasty = new FlinkRestClient({ url: servers.url, deadlineMs: 500 });
      servers.jobManager.signal('SIGSTOP');
      try {
        await expectReason(hasty.clusterOverview(), 'FLINK_UNREACHABLE');
      } finally {
        servers.jobManager.signal('SIGCONT');
      }
      await flink.clusterOverview();
    });

    test('that is started again is another run, and knows no job', async () => {
      const before = await flink.jobManagerRun();
      expect(await flink.jobManagerRun()).toBe(before);
      const jobId = await run('lost');
      await servers.jobManager.kill();
      await expectReason(flink.clusterOverview(), 'FLINK_UNREACHABLE');
      await expectReason(insertAtOnce('handed to nobody'), 'FLINK_UNREACHABLE');
      await servers.jobManager.start();
      expect(await flink.jobManagerRun()).not.toBe(before);
      await expectReason(flink.job(jobId), 'FLINK_NOT_FOUND');
    });
  },
);
