import { FlinkRestClient } from '@tessera/flink-rest';
import { flink } from '@tessera/proto';
import { flinkFolder, loadJobJar } from '@tessera/testkit/flink';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cluster, FlinkHosts } from './flink-hosts.ts';

/** Jobs whose load changes, on a real Flink. */
const folder = flinkFolder();
const jar = loadJobJar();
const poll = { timeout: 240_000, interval: 250 };

/** Reacts within seconds, and is done with it soon. */
const scaling = {
  strategy: '@tessera/strategy-threshold',
  options: JSON.stringify({ windowMs: 4_000, scaleDownWindowMs: 4_000 }),
  bounds: { maxParallelism: 4, vertices: {} },
  cooldownBeforeUp: { seconds: 3n, nanos: 0 },
  cooldownBeforeDown: { seconds: 3n, nanos: 0 },
} satisfies Partial<flink.FlinkScaling>;

describe.skipIf(folder === undefined || jar === undefined)(
  'a Flink job whose load rises and falls (scripts/install-test-deps.sh)',
  { timeout: 600_000 },
  () => {
    let hosts: FlinkHosts;
    let artifact: string;
    beforeAll(async () => {
      hosts = await FlinkHosts.start(folder!);
      artifact = `artifacts/${await hosts.put(jar!)}`;
      await hosts.apply({ maxTaskManagerCount: 2, maxTaskManagersPerHost: 1 }, 1);
    }, 400_000);
    afterAll(() => hosts?.[Symbol.asyncDispose](), 60_000);

    const rest = async () => new FlinkRestClient({ url: await hosts.restUrl() });

    /** Of the widest vertex as it runs; 0: not all of its tasks run. */
    const subtasksOf = async (id: string) => {
      const { deployed } = await hosts.job(id).status();
      const { vertices } = await (await rest()).job(deployed!.jobId);
      const isWhole = vertices.every(({ parallelism, tasks }) => tasks.RUNNING === parallelism);
      return isWhole ? Math.max(...vertices.map(({ parallelism }) => parallelism)) : 0;
    };

    /** Of a job, and TaskManagers that the JobManager knows. */
    const size = async (id: string) => [
      await subtasksOf(id),
      (await (await rest()).taskManagers()).length,
    ];

    /** A job whose subtasks take 1,000 records a second each. */
    const begin = async (id: string, profile: string, scaled: Partial<flink.FlinkScaling>) => {
      const value = {
        artifact,
        entryClass: '',
        arguments: [
          ...['--profile', profile, '--cost-us', '1000', '--splits', '4'],
          ...['--max-parallelism', '8'],
        ],
      };
      const job = hosts.job(id);
      const applied = await job.apply({
        cluster,
        program: { $case: 'jar', value },
        parallelism: 1,
        scaling: flink.FlinkScaling.fromPartial({ ...scaling, ...scaled }),
      });
      return { job, applied };
    };

    const decisionsOf = async (id: string) => {
      const { scalingDecisions } = await hosts.client.flinkScalings.listScalingDecisions({
        parent: `flink-jobs/${id}`,
      });
      return scalingDecisions.flatMap(({ decision }) => decision ?? []);
    };

    test('is given subtasks, slots and TaskManagers as it needs them, and gives them back; what was decided can be read', async () => {
      const { job, applied } = await begin('load', '0:1900,20:100', {});
      await job.untilRuns(applied, 1);
      const grown = async () => {
        const [subtasks, taskManagers] = await size('load');
        return subtasks! > 2 && taskManagers === 2;
      };
      await expect.poll(grown, poll).toBe(true);
      await expect.poll(() => size('load'), poll).toEqual([1, 1]);
      const changes = (await decisionsOf('load')).filter(
        ({ result }) => Object.keys(result?.parallelism ?? {}).length > 0,
      );
      expect(changes.length).toBeGreaterThanOrEqual(2);
      await job.delete();
    });

    test('gives slots of its cluster to one of higher priority, which another strategy scales', async () => {
      const ds2 = {
        strategy: '@tessera/strategy-ds2',
        options: JSON.stringify({ policyIntervalMs: 4_000, warmUpIntervals: 1 }),
      };
      const low = await begin('low', '0:3000', ds2);
      await expect.poll(() => subtasksOf('low'), poll).toBe(4);
      const high = await begin('high', '0:1900', { priority: 1 });
      const shared = async () => {
        const [high, low] = [await subtasksOf('high'), await subtasksOf('low')];
        return high >= 2 && low >= 1 && high + low === 4;
      };
      await expect.poll(shared, poll).toBe(true);
      const effects = (await decisionsOf('low')).flatMap(({ result }) => result?.effects ?? []);
      expect(effects.map(({ code }) => code)).toContain('QUOTA');
      await Promise.all([low.job.delete(), high.job.delete()]);
    });
  },
);
