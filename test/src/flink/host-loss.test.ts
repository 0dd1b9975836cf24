import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { flink } from '@tessera/proto';
import { flinkFolder, loadJobJar } from '@tessera/testkit/flink';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CommittedLines, noFaults } from './committed-lines.ts';
import { cluster, FlinkHosts } from './flink-hosts.ts';
import { GroundApart } from './ground-apart.ts';
import type { JobOnHosts } from './job-on-hosts.ts';

/** A job on a real Flink that loses its hosts, one after the other, and none of its records. */
const folder = flinkFolder();
const jar = loadJobJar();
const poll = { timeout: 180_000, interval: 100 };
const recordsPerSecond = 200;
/** Of the four slots of two TaskManagers: it has tasks on both. */
const parallelism = 3;
/** More than were on their way when something happened. */
const progress = 10 * recordsPerSecond;

describe.skipIf(folder === undefined || jar === undefined)(
  'hosts of a Flink cluster (scripts/install-test-deps.sh)',
  { timeout: 400_000 },
  () => {
    let ground: GroundApart;
    let hosts: FlinkHosts;
    let job: JobOnHosts;
    let artifact: string;
    let applied: flink.FlinkJob;
    let out: string;
    let lines: CommittedLines;
    const beganMs = Date.now();
    beforeAll(async () => {
      ground = await GroundApart.start({ names: ['a', 'b', 'c'], cutOffAfterMs: 6_000 });
      hosts = await FlinkHosts.on(ground, folder!);
      out = join(ground.folder, 'out');
      mkdirSync(out);
      lines = new CommittedLines(out);
      job = hosts.job('load');
    }, 400_000);
    afterAll(async () => {
      await (hosts ?? ground)?.[Symbol.asyncDispose]();
    }, 60_000);

    const apply = (
      change: Partial<flink.FlinkJobSpec> = {},
      more: Readonly<Record<string, unknown>> = {},
    ) => {
      const profile = `0:${recordsPerSecond}`;
      const load = { profile, t0: beganMs, splits: 4, keys: 100, 'cost-us': 0 };
      const told = Object.entries({ ...load, out: pathToFileURL(out).href, ...more });
      const value = {
        ...{ artifact, entryClass: '' },
        arguments: told.flatMap(([key, value]) => [`--${key}`, String(value)]),
      };
      return job.apply({ cluster, parallelism, program: { $case: 'jar', value }, ...change });
    };
    const untilMore = async () => {
      const before = lines.count();
      await expect.poll(() => lines.count() - before, poll).toBeGreaterThan(progress);
    };
    const noStrays = () => expect.poll(() => hosts.strays(), poll).toEqual([]);

    test('see the state directory from each other before anything is placed there', async () => {
      await hosts.untilUp(await hosts.apply());
      const name = 'flink-cluster-statuses/c';
      const { stateDirectoryProofs } = await hosts.client.flinkClusters.getFlinkClusterStatus({
        name,
      });
      const found = stateDirectoryProofs.map(({ host, seen }) => [host, seen]);
      expect(found).toEqual(['hosts/a', 'hosts/b', 'hosts/c'].map((host) => [host, true]));
      artifact = `artifacts/${await hosts.put(jar!)}`;
      applied = await apply();
      await job.untilRuns(applied, 1);
      await job.untilStable();
    });

    test('are drained: the job moves with a savepoint, and nothing of Flink is left there', async () => {
      const drained = await hosts.hostOf('jm');
      await hosts.setDraining(drained, true);
      await expect.poll(() => hosts.inUse(), poll).not.toContain(drained);
      const { deployed } = await job.untilRuns(applied, 2);
      expect(deployed?.from).toMatchObject({ savepoint: true });
      expect(await hosts.processesOn(drained)).toEqual([]);
      await hosts.setDraining(drained, false);
      await job.untilStable();
    });

    test('that are cut off end what they run before it is started elsewhere, and the job goes on from its newest checkpoint', async () => {
      const lost = await hosts.hostOf('jm');
      const { deployed: before } = await job.status();
      const pids = await hosts.loseDaemon(lost);
      expect(pids.length).toBeGreaterThan(0);
      await expect.poll(() => hosts.hostOf('jm').catch(() => undefined), poll).toBeDefined();
      expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
      const { deployed } = await job.untilRuns(applied, 3);
      expect(deployed?.from).toMatchObject({ savepoint: false });
      expect(deployed?.from?.path).toContain(before!.jobId);
      expect(await hosts.inUse()).not.toContain(lost);
      await ground.startHost(lost);
      await noStrays();
    });

    test('that lose their power with a TaskManager interrupt the job, which goes on in place', async () => {
      const master = await hosts.hostOf('jm');
      const lost = (await hosts.inUse()).find((name) => name !== master)!;
      await ground.cutPower(lost);
      await untilMore();
      await ground.startHost(lost);
      await job.untilRuns(applied, 3);
      await noStrays();
    });

    test('that lose their power with the JobManager are replaced; when one is back, nothing that it did is done again', async () => {
      const lost = await hosts.hostOf('jm');
      const { deployed: before } = await job.status();
      await ground.cutPower(lost);
      await expect.poll(() => hosts.hostOf('jm').catch(() => undefined), poll).toBeDefined();
      await ground.startHost(lost);
      const { deployed } = await job.untilRuns(applied, 4);
      expect(deployed?.from).toMatchObject({ savepoint: false });
      expect(deployed?.from?.path).toContain(before!.jobId);
      await noStrays();
      expect(await hosts.hostOf('jm')).not.toBe(lost);
      await untilMore();
    });

    test('have lost no record of it, doubled none, and kept its state', async () => {
      // How many records there are is said while none is read: more than have been.
      await job.untilRests(await apply({ suspended: true }), 'STOPPED');
      const total = lines.next() + progress;
      await apply({}, { total });
      await expect.poll(() => lines.count(), poll).toBeGreaterThanOrEqual(total);
      await job.delete();
      expect(lines.faults(total)).toEqual(noFaults);
      expect(lines.count()).toBe(total);
      await hosts.delete();
    });
  },
);
