import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { seededRandom } from '@tessera/base';
import { FlinkRestClient } from '@tessera/flink-rest';
import { flink } from '@tessera/proto';
import { flinkFolder, loadJobJar } from '@tessera/testkit/flink';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CommittedLines, noFaults } from '../committed-lines.ts';
import { cluster, FlinkHosts } from '../flink-hosts.ts';
import { GroundApart } from '../ground-apart.ts';
import { momentsOfRescale, momentsOfScaling, momentsOfUpgrade } from './moments.ts';

/**
 * A job under load on a real Flink that is upgraded, and rescaled by who wrote it and by a strategy, while processes are killed with SIGKILL at journaled steps of it. Its sink commits each line once; in the end they are all there, none of them twice, and
 * the state has counted each record once.
 *
 * `npm test` draws the faults from a seed (`TESSERA_SEED`), one for each kind of process and at least one for each kind of change; `npm run test:long` has every kind killed at every step.
 */
const folder = flinkFolder();
const jar = loadJobJar();
const poll = { timeout: 180_000, interval: 250 };
const recordsPerSecond = 200;
/** Of the slots of both TaskManagers: as few as one less need both of them. */
const wide = 4;
/** So that nothing of Flink ends when the machine is so busy that no host is heard for a while. */
const cutOffAfterMs = 120_000;
/** Records that have to come through after a fault before the next one. */
const progress = 100;

const kinds = ['TaskManager', 'JobManager', 'host daemon', 'scheduler'] as const;
type Kind = (typeof kinds)[number];

const moments = {
  upgrade: momentsOfUpgrade,
  rescale: momentsOfRescale,
  scaling: momentsOfScaling,
} as const;
type Change = keyof typeof moments;
const changes: readonly Change[] = ['upgrade', 'rescale', 'scaling'];

interface Fault {
  readonly change: Change;
  readonly moment: string;
  readonly kind: Kind;
}

const seed = Number(process.env['TESSERA_SEED'] ?? 20261129);

function allFaults(): Fault[] {
  return changes.flatMap((change) =>
    moments[change].flatMap((moment) => kinds.map((kind) => ({ change, moment, kind }))),
  );
}

function sample(): Fault[] {
  const { pick, integer } = seededRandom(seed);
  const first = integer(0, changes.length - 1);
  const drawn = kinds.map((kind, i) => {
    const change = changes[(first + i) % changes.length]!;
    return { change, moment: pick(moments[change]), kind };
  });
  // A job that a strategy looks after is not handed back in between.
  return changes.flatMap((change) => drawn.filter((fault) => fault.change === change));
}

/** What is wanted of a strategy that always wants the same. */
function scalingTo(parallelism: number): flink.FlinkScaling {
  return flink.FlinkScaling.fromPartial({
    strategy: '@tessera/strategy-schedule',
    options: JSON.stringify({ plans: [{ at: '00:00', parallelism }] }),
    cooldownBeforeUp: {},
    cooldownBeforeDown: {},
  });
}

const isLong = process.env['TESSERA_LONG'] === '1';
const faults = isLong ? allFaults() : sample();

/** Whether a JobManager has come to the end of writing down what became of a job. One that is lost before leaves nobody who knows. */
function isArchived(stateDirectory: string, jobId: string): boolean {
  const archive = join(fileURLToPath(stateDirectory), 'ended-jobs');
  const files = readdirSync(archive, { withFileTypes: true, recursive: true }).filter(
    (entry) => entry.isFile() && entry.name === jobId,
  );
  return files.some(({ parentPath }) =>
    readFileSync(join(parentPath, jobId), 'utf8').endsWith('}'),
  );
}

describe.skipIf(folder === undefined || jar === undefined)(
  `a job with a sink that commits once (scripts/install-test-deps.sh), seed ${seed}`,
  { timeout: 400_000 },
  () => {
    let ground: GroundApart;
    let hosts: FlinkHosts;
    let lines: CommittedLines;
    let artifact: string;
    const beganMs = Date.now();
    /** As it is wanted at present; `scaledTo` by a strategy, 0 when there is none. */
    const wanted = { parallelism: 1, release: 1, scaledTo: 0 };

    beforeAll(async () => {
      ground = await GroundApart.start({ cutOffAfterMs });
      hosts = await FlinkHosts.on(ground, folder!);
      const out = join(ground.folder, 'lines');
      mkdirSync(out);
      lines = new CommittedLines(out);
      artifact = `artifacts/${await hosts.put(jar!)}`;
    }, 400_000);
    afterAll(async () => {
      await (hosts ?? ground)?.[Symbol.asyncDispose]();
    }, 60_000);

    const job = () => hosts.job('load');
    const apply = (
      change: Partial<flink.FlinkJobSpec> = {},
      more: readonly string[] = [],
    ): Promise<flink.FlinkJob> => {
      const given = {
        '--profile': `0:${recordsPerSecond}`,
        '--t0': beganMs,
        '--out': pathToFileURL(join(ground.folder, 'lines')).href,
        '--keys': 100,
        '--name': `release ${wanted.release}`,
      };
      const told = [...Object.entries(given).flat().map(String), ...more];
      const value = { artifact, entryClass: '', arguments: told };
      const { parallelism, scaledTo } = wanted;
      const program = { $case: 'jar', value } as const;
      const scaling = scaledTo === 0 ? {} : { scaling: scalingTo(scaledTo) };
      return job().apply({ cluster, parallelism, program, ...scaling, ...change });
    };
    const untilMore = async () => {
      const before = lines.count();
      await expect.poll(() => lines.count() - before, poll).toBeGreaterThan(progress);
    };
    const change = (what: Change) => {
      const { parallelism, scaledTo } = wanted;
      const other = (scaledTo || parallelism) === wide ? wide - 1 : wide;
      if (what === 'upgrade') wanted.release++;
      if (what === 'rescale') wanted.parallelism = other;
      wanted.scaledTo = what === 'scaling' ? other : 0;
      return apply();
    };
    const untilWide = async (applied: flink.FlinkJob) => {
      await job().untilRests(applied, 'RUNNING');
      if (wanted.scaledTo > 0) await job().untilSized(wanted.scaledTo);
    };
    const kill = async (kind: Kind) => {
      if (kind === 'scheduler') {
        await ground.scheduler.kill();
        return await ground.scheduler.start();
      }
      if (kind === 'host daemon') {
        const name = await hosts.hostOf('jm');
        await ground.killAndRestartHost(name);
      } else {
        process.kill(await hosts.pidOf(kind === 'JobManager' ? 'jm' : 'tm'), 'SIGKILL');
      }
      ground.scheduler.goOn();
    };

    test('is rescaled 1, 2, 4, 1, 4 under load', async () => {
      await hosts.untilUp(await hosts.apply());
      await job().untilRests(await apply(), 'RUNNING');
      await untilMore();
      for (const parallelism of [2, wide, 1, wide]) {
        wanted.parallelism = parallelism;
        await job().untilRests(await apply(), 'RUNNING');
        await untilMore();
      }
      expect((await job().status()).attempt).toBe(1n);
    });

    test.each(faults)('$change: kill -9 of the $kind $moment', async (fault) => {
      const above = String((await job().status()).version);
      const reached = ground.scheduler.stopAt({ moment: fault.moment, above });
      const [applied] = await Promise.all([change(fault.change), reached]);
      await kill(fault.kind);
      await untilWide(applied);
      await untilMore();
    });

    test('a batch job beside it that ends while nobody looks, and whose JobManager is lost then, is not run again', async () => {
      wanted.parallelism = wide - 1; // That leaves it a slot.
      wanted.scaledTo = 0;
      await job().untilRests(await apply(), 'RUNNING');
      const examples = join(folder!, 'examples/flink-examples-streaming-2.3.0.jar');
      const value = {
        artifact: `artifacts/${await hosts.put(examples)}`,
        entryClass: 'org.apache.flink.streaming.examples.wordcount.WordCount',
        arguments: ['--execution-mode', 'BATCH'],
      };
      const reached = ground.scheduler.stopAt({ moment: 'after runJar', above: '0' });
      const batch = hosts.job('batch');
      await batch.apply({ cluster, parallelism: 1, program: { $case: 'jar', value } });
      await reached;
      const rest = new FlinkRestClient({ url: await hosts.restUrl() });
      const run = async () => (await rest.jobs()).find(({ isBatch }) => isBatch);
      await expect.poll(async () => (await run())?.state, poll).toBe('FINISHED');
      const { id } = (await run())!;
      await expect.poll(() => isArchived(hosts.stateDirectory, id), poll).toBe(true);
      process.kill(await hosts.pidOf('jm'), 'SIGKILL');
      await kill('scheduler');
      await batch.untilPhase('FINISHED');
      expect(await batch.status()).toMatchObject({ attempt: 1n });
      await untilMore();
    });

    test('has lost nothing and doubled nothing in the end, and its state is right', async () => {
      // How many records there are is said while none is read: more than have been.
      await job().untilRests(await apply({ suspended: true }), 'STOPPED');
      const total = lines.next() + 10 * progress;
      await apply({}, ['--total', String(total)]);
      await expect.poll(() => lines.count(), poll).toBeGreaterThanOrEqual(total);
      await job().delete();
      expect(lines.faults(total)).toEqual(noFaults);
      expect(lines.count()).toBe(total);
    });
  },
);
