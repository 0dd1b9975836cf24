import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FlinkRestClient } from '@tessera/flink-rest';
import { expectReason } from '@tessera/testkit/contracts';
import { flinkFolder } from '@tessera/testkit/flink';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CountedLines } from './counted-lines.ts';
import { cluster, FlinkHosts } from './flink-hosts.ts';
import type { JobOnHosts } from './job-on-hosts.ts';

/** Scripts of SQL that the scheduler of a platform hands to the SQL gateway of a real Flink. */
const folder = flinkFolder();
const poll = { timeout: 180_000, interval: 100 };

describe.skipIf(folder === undefined)(
  'a job in SQL on hosts (scripts/install-test-deps.sh)',
  { timeout: 400_000 },
  () => {
    let hosts: FlinkHosts;
    let lines: CountedLines;
    let job: JobOnHosts;
    let batch: JobOnHosts;
    beforeAll(async () => {
      hosts = await FlinkHosts.start(folder!);
      lines = new CountedLines(join(fileURLToPath(hosts.stateDirectory), '..', 'lines'));
      job = hosts.job('counting');
      batch = hosts.job('batch');
    }, 400_000);
    afterAll(() => hosts?.[Symbol.asyncDispose](), 60_000);

    const sql = (script: string, change: object = {}) => ({
      ...{ cluster, parallelism: 1, program: { $case: 'sql' as const, value: { script } } },
      ...change,
    });

    /** Waits until every line was written, and compares all of them. */
    async function allCounted(): Promise<void> {
      await expect.poll(() => lines.counted().length, poll).toBe(lines.expected().length);
      expect(lines.counted()).toEqual(lines.expected());
    }

    test('begins when the cluster and its gateway are up', async () => {
      lines.add(20);
      await hosts.apply({}, 2);
      const begun = await job.untilRests(await job.apply(sql(lines.script())), 'RUNNING');
      expect(begun).toMatchObject({ attempt: 1n, conditions: [] });
      await job.untilStable();
      await allCounted();
    });

    test('is suspended with its state and goes on from that', async () => {
      const suspended = await job.apply(sql(lines.script(), { suspended: true }));
      const { restore } = await job.untilRests(suspended, 'STOPPED');
      expect(restore).toMatchObject({ savepoint: true });
      lines.add(20);
      const resumed = await job.untilRests(await job.apply(sql(lines.script())), 'RUNNING');
      expect(resumed.deployed?.from).toEqual(restore);
      await allCounted();
    });

    test('goes on from its state when its script is changed, and its gateway was killed before', async () => {
      process.kill(await hosts.pidOf('sql'), 'SIGKILL');
      lines.markFromNowOn();
      const changed = await job.untilRests(await job.apply(sql(lines.script())), 'RUNNING');
      expect(changed.deployed?.from).toMatchObject({ savepoint: true });
      lines.add(20);
      await allCounted();
      await job.untilStable();
    });

    test('comes back as it was stable, with its state, when that does not fit the changed script', async () => {
      const windows = `${lines.tables()} INSERT INTO counted
        SELECT id, MAX(k), COUNT(*) FROM numbered GROUP BY id, TUMBLE(seen, INTERVAL '1' SECOND)`;
      await job.apply(sql(windows));
      lines.add(20);
      const { message } = await job.untilCondition('ROLLED_BACK');
      expect(message).toContain('Cannot map checkpoint/savepoint state');
      await allCounted();
      await job.apply(sql(lines.script()));
    });

    test('writes into several tables at once, and is done when its input is', async () => {
      const applied = await batch.apply(sql(lines.batchScript()));
      const { attempt } = await batch.untilRests(applied, 'FINISHED');
      expect(attempt).toBe(1n);
      expect(lines.summed()).toEqual(lines.expectedSums());
    });

    test('that does not plan says where and why, and is given up; others go on', async () => {
      const broken = hosts.job('broken');
      const { attempt } = await job.status();
      await broken.apply(
        sql(`${lines.tables()}\nINSERT INTO counted\n  SELECT id, nothing, 1 FROM numbered`),
      );
      const { message, metadata } = await broken.untilCondition('FLINK_STATEMENT_FAILED');
      const line = String(lines.tables().split('\n').length + 2);
      expect(metadata).toMatchObject({ line, column: '14' });
      expect(message).toContain("Column 'nothing' not found");
      await broken.untilCondition('GIVEN_UP');
      const other = `CREATE TABLE there (id INT) WITH ('connector' = 'nowhere');\nINSERT INTO there SELECT 1`;
      await broken.apply(sql(other));
      await expect
        .poll(async () => (await broken.untilCondition('FLINK_STATEMENT_FAILED')).message, poll)
        .toContain("'nowhere'");
      await broken.delete();
      expect([(await job.status()).attempt, await job.phase()]).toEqual([attempt, 'RUNNING']);
    });

    test('with a second job in its script is refused at once', async () => {
      const two = 'INSERT INTO a SELECT 1; INSERT INTO b SELECT 2';
      await expectReason(job.apply(sql(two)), 'FLINK_JOB_INVALID');
    });

    test('goes on from its newest checkpoint when the JobManager is killed, and one that is done is not begun again', async () => {
      const { attempt } = await job.status();
      process.kill(await hosts.pidOf('jm'), 'SIGKILL');
      lines.add(20);
      const isNext = async () => (await job.status()).attempt > attempt;
      await expect.poll(isNext, poll).toBe(true);
      await allCounted();
      expect([(await batch.status()).attempt, await batch.phase()]).toEqual([1n, 'FINISHED']);
      const rest = new FlinkRestClient({ url: await hosts.restUrl() });
      expect((await rest.jobs()).filter(({ isBatch }) => isBatch)).toEqual([]);
      await job.delete();
    });
  },
);
