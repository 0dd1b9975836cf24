import { FlinkRestClient } from '@tessera/flink-rest';
import { flinkFolder } from '@tessera/testkit/flink';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FlinkHosts, patient } from './flink-hosts.ts';

/** Clusters that the scheduler of a platform carries out on host daemons, with a real Flink. */
const folder = flinkFolder();
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

    test('rolls a changed key of TaskManagers without touching the JobManager, and starts another TaskManager beside those that run', async () => {
      const [before, master] = [await hosts.pidOf('tm'), await hosts.pidOf('jm')];
      const configuration = { ...patient, 'taskmanager.registration.timeout': '4 min' };
      await hosts.untilUp(await hosts.apply({ configuration }));
      expect(await fresh('tm', before)).toBe(true);
      expect(await hosts.pidOf('jm')).toBe(master);
      const kept = await hosts.pidOf('tm');
      await hosts.untilUp(await hosts.apply({ configuration, maxTaskManagersPerHost: 2 }, 3));
      expect(await hosts.pidOf('tm')).toBe(kept);
      expect(await registered()).toEqual(['c-tm-1', 'c-tm-2', 'c-tm-3']);
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
