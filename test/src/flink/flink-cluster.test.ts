import { join } from 'node:path';
import { FlinkRestClient } from '@tessera/flink-rest';
import type { flink } from '@tessera/proto';
import { flinkFolder } from '@tessera/testkit/flink';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { cluster, FlinkHosts, patient } from './flink-hosts.ts';

/** Clusters and jobs that the scheduler of a platform carries out on host daemons, with a real Flink. */
const folder = flinkFolder();
const examples = join(folder ?? '', 'examples/flink-examples-streaming-2.3.0.jar');
const entryClass = 'org.apache.flink.streaming.examples.statemachine.StateMachineExample';
const poll = { timeout: 180_000, interval: 100 };

describe.skipIf(folder === undefined)(
  'a Flink cluster on hosts (scripts/install-test-deps.sh)',
  { timeout: 400_000 },
  () => {
    let hosts: FlinkHosts;
    beforeAll(async () => {
      hosts = await FlinkHosts.start(folder!);
    }, 400_000);
    afterAll(() => hosts?.[Symbol.asyncDispose](), 60_000);

    const registered = async () => {
      const flink = new FlinkRestClient({ url: await hosts.restUrl() });
      return (await flink.taskManagers().catch(() => [])).map(({ id }) => id).sort();
    };
    const fresh = async (role: 'jm' | 'tm', before: number) => {
      const pid = await hosts.pidOf(role);
      return pid !== 0 && pid !== before;
    };

    test('comes up on all hosts from one bundle, and says what it waits for until then', async () => {
      const applied = await hosts.apply();
      await expect.poll(() => hosts.waitsFor().catch(() => ''), poll).not.toBe('');
      await hosts.untilUp(applied);
      expect(await registered()).toEqual(['c-tm-1', 'c-tm-2']);
    });

    test('is mended when a TaskManager and then the JobManager are killed', async () => {
      const applied = await hosts.apply();
      const worker = await hosts.pidOf('tm');
      process.kill(worker, 'SIGKILL');
      await expect.poll(() => fresh('tm', worker), poll).toBe(true);
      const master = await hosts.pidOf('jm');
      process.kill(master, 'SIGKILL');
      await expect.poll(() => fresh('jm', master), poll).toBe(true);
      await hosts.untilUp(applied);
      await expect.poll(registered, poll).toEqual(['c-tm-1', 'c-tm-2']);
    });

    test('rolls a changed key of TaskManagers, of which one ignores SIGTERM, without touching the JobManager, and starts another TaskManager beside those that run', async () => {
      const [before, master] = [await hosts.pidOf('tm'), await hosts.pidOf('jm')];
      process.kill(before, 'SIGSTOP');
      const configuration = { ...patient, 'taskmanager.registration.timeout': '4 min' };
      await hosts.untilUp(await hosts.apply({ configuration }));
      expect(await fresh('tm', before)).toBe(true);
      expect(await hosts.pidOf('jm')).toBe(master);
      const kept = await hosts.pidOf('tm');
      await hosts.untilUp(await hosts.apply({ configuration, maxTaskManagersPerHost: 2 }, 3));
      expect(await hosts.pidOf('tm')).toBe(kept);
      expect(await registered()).toEqual(['c-tm-1', 'c-tm-2', 'c-tm-3']);
    });

    test('is given another run of a JobManager that hangs, and says so until then', async () => {
      const master = await hosts.pidOf('jm');
      process.kill(master, 'SIGSTOP');
      const long = { ...poll, timeout: 400_000 };
      const reasons = async () => {
        const name = 'flink-cluster-statuses/c';
        const { conditions } = await hosts.client.flinkClusters.getFlinkClusterStatus({ name });
        return conditions.map(({ reason }) => reason);
      };
      await expect.poll(reasons, long).toContain('JOBMANAGER_SILENT');
      await expect.poll(() => fresh('jm', master), long).toBe(true);
      await expect.poll(reasons, long).toEqual([]);
      await expect.poll(registered, long).toEqual(['c-tm-1', 'c-tm-2', 'c-tm-3']);
    }, 900_000);

    describe('with a job', () => {
      const parallelism = 1;
      const job = () => hosts.job('j');
      const jar = async (rate: number, change: Partial<flink.FlinkJobSpec> = {}) => {
        const artifact = `artifacts/${await hosts.put(examples)}`;
        const value = { artifact, entryClass, arguments: ['--rps', String(rate)] };
        return await job().apply({
          cluster,
          parallelism,
          program: { $case: 'jar', value },
          ...change,
        });
      };

      test('begins it, and goes on from its newest checkpoint when the JobManager is killed', async () => {
        const applied = await jar(100);
        const first = await job().untilRuns(applied, 1);
        expect(first.deployed?.from).toBeUndefined();
        await job().untilStable();
        process.kill(await hosts.pidOf('jm'), 'SIGKILL');
        const second = await job().untilRuns(applied, 2);
        expect(second.deployed?.from).toMatchObject({ savepoint: false });
        expect(second.deployed?.from?.path).toContain(first.deployed?.jobId);
        expect(second.deployed?.from?.id).toBeGreaterThan(1n);
        await job().untilStable();
      });

      test('stops it with a savepoint when it is changed, and goes on from that', async () => {
        const { deployed } = await job().status();
        const changed = await job().untilRuns(await jar(200), 3);
        expect(changed.deployed?.from).toMatchObject({ savepoint: true });
        expect(changed.deployed?.from?.path).toContain(deployed?.jobId);
        expect(changed.deployed!.from!.id).toBeGreaterThan(deployed!.from!.id);
      });

      test('suspends it with a savepoint, and resumes it', async () => {
        await jar(200, { suspended: true });
        await job().untilPhase('STOPPED');
        const { restore } = await job().status();
        expect(restore).toMatchObject({ savepoint: true });
        const resumed = await job().untilRuns(await jar(200), 4);
        expect(resumed.deployed?.from).toEqual(restore);
      });

      test('scales it in place', async () => {
        const applied = await jar(200, { parallelism: 2 });
        const scaled = await job().untilRuns(applied, 4);
        const rest = new FlinkRestClient({ url: await hosts.restUrl() });
        const widths = async () =>
          (await rest.job(scaled.deployed!.jobId)).vertices.map((one) => one.parallelism);
        await expect.poll(widths, poll).toEqual([2, 2]);
      });

      test('takes it through a change of the whole cluster, and ends with it kept', async () => {
        const configuration = { ...patient, 'execution.checkpointing.interval': '700 ms' };
        await hosts.untilUp(await hosts.apply({ configuration }));
        const moved = await job().untilRuns(await jar(200, { parallelism: 2 }), 5);
        expect(moved.deployed?.from).toMatchObject({ savepoint: true });
        await job().delete();
      });
    });

    test('ends with all its processes when it is deleted', async () => {
      await hosts.delete();
      const statuses = () => hosts.client.flinkClusters.listFlinkClusterStatuses({});
      await expect
        .poll(async () => (await statuses()).flinkClusterStatuses.map(({ name }) => name), poll)
        .toEqual([]);
    });
  },
);
