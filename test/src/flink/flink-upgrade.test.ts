import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { FlinkRestClient } from '@tessera/flink-rest';
import type { flink } from '@tessera/proto';
import { earlierFlinkVersion, flinkFolder, flinkVersion, loadJobJar } from '@tessera/testkit/flink';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CommittedLines, noFaults } from './committed-lines.ts';
import { CountedLines } from './counted-lines.ts';
import { cluster, FlinkHosts } from './flink-hosts.ts';

/** A cluster that changes its version of Flink under its jobs. */
const earlier = flinkFolder(earlierFlinkVersion);
const later = flinkFolder();
const jar = loadJobJar();
const poll = { timeout: 180_000, interval: 100 };
const records = 20_000;

describe.skipIf(earlier === undefined || later === undefined || jar === undefined)(
  `Flink ${earlierFlinkVersion} on hosts (scripts/install-test-deps.sh)`,
  { timeout: 600_000 },
  () => {
    let hosts: FlinkHosts;
    let lines: CountedLines;
    let out: string;
    let startMs: number;
    beforeAll(async () => {
      hosts = await FlinkHosts.start(earlier!);
      const folder = join(fileURLToPath(hosts.stateDirectory), '..');
      lines = new CountedLines(join(folder, 'lines'));
      out = join(folder, 'records');
      mkdirSync(out);
      startMs = Date.now();
    }, 400_000);
    afterAll(() => hosts?.[Symbol.asyncDispose](), 60_000);

    const version = async () => {
      const flink = new FlinkRestClient({ url: await hosts.restUrl() });
      return (await flink.clusterOverview().catch(() => undefined))?.flinkVersion;
    };

    async function applyJobs(): Promise<readonly [flink.FlinkJob, flink.FlinkJob]> {
      const artifact = `artifacts/${await hosts.put(jar!)}`;
      const told = Object.entries({
        ...{ '--total': records, '--profile': '0:500', '--t0': startMs },
        ...{ '--cost-us': 100, '--splits': 2, '--out': pathToFileURL(out).href },
      });
      const entryClass = 'tessera.load.LoadJob';
      const program = { artifact, entryClass, arguments: told.flat().map(String) };
      return [
        await hosts.job('sql').apply({
          ...{ cluster, parallelism: 1 },
          program: { $case: 'sql', value: { script: lines.script() } },
        }),
        await hosts.job('jar').apply({
          ...{ cluster, parallelism: 1 },
          program: { $case: 'jar', value: program },
        }),
      ];
    }

    test('runs jobs in SQL and of a jar', async () => {
      lines.add(20);
      await hosts.apply({ flinkVersion: earlierFlinkVersion }, 2);
      const [sql, load] = await applyJobs();
      await hosts.job('sql').untilRuns(sql, 1);
      await hosts.job('jar').untilRuns(load, 1);
      await hosts.job('sql').untilStable();
      await hosts.job('jar').untilStable();
      expect(await version()).toBe(earlierFlinkVersion);
    });

    test(`becomes ${flinkVersion}, and the jobs go on from their savepoints with nothing lost or doubled`, async () => {
      const upgrade = await hosts.version(flinkVersion, later!);
      const upgraded = await hosts.apply(upgrade, 2);
      lines.add(40); // In one file: of several that wait a job takes any one first.
      await hosts.untilUp(upgraded);
      expect(await version()).toBe(flinkVersion);
      const jobs = await applyJobs();
      for (const [i, name] of ['sql', 'jar'].entries()) {
        const { deployed } = await hosts.job(name).untilRuns(jobs[i]!, 2);
        expect(deployed?.from).toMatchObject({ savepoint: true });
      }
      lines.add(20);
      await expect.poll(() => lines.counted().length, poll).toBe(lines.expected().length);
      expect(lines.counted()).toEqual(lines.expected());
      const written = new CommittedLines(out);
      await expect.poll(() => written.count(), poll).toBe(records);
      expect(written.faults(records)).toEqual(noFaults);
    });
  },
);
