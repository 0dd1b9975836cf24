import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '@tessera/cli';
import { connect } from '@tessera/client';
import type { Benchmark } from '../benchmark.ts';
import { startPlatformProcess } from '../platform-process.ts';
import { ssbDirectory } from '../ssb/data.ts';
import {
  type BuildFigures,
  type BuildSubject,
  buildReach,
  measureBuild,
  measureSsbBuild,
} from '../ssb/measure-build.ts';
import { csvBytes, DuckDbRival } from '../ssb/rival.ts';
import { median } from '../statistics.ts';
import { smallCube, writeSmallCube } from './small-cube.ts';

/** Builds alone, each on a new platform: all cuboids of SSB, and a small cube of many files. */
export const buildBenchmark: Benchmark = {
  name: 'build',
  summary: 'builds alone: --sf 1 --rounds 3, or --small',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        sf: { type: 'string', default: '1' },
        rounds: { type: 'string', default: '3' },
        small: { type: 'boolean', default: false },
      },
    });
    const rounds = Number(values.rounds);
    return values.small ? buildSmall(rounds) : buildSsb(Number(values.sf), rounds);
  },
};

async function buildSsb(scaleFactor: number, rounds: number) {
  const directory = await ssbDirectory(scaleFactor);
  const builds: BuildFigures[] = [];
  for (let i = 0; i < rounds; i++) {
    builds.push(await onNewPlatform((subject) => measureSsbBuild({ ...subject, directory })));
  }
  printBuilds(builds);
  using files = await DuckDbRival.open(directory, 'view');
  const reach = buildReach(scaleFactor, medianBuild(builds), await csvBytes(files));
  return { reach, details: { scaleFactor, builds } };
}

async function buildSmall(rounds: number) {
  const builds: Omit<BuildFigures, 'joinedPassSeconds'>[] = [];
  for (let i = 0; i < rounds; i++) {
    builds.push(
      await onNewPlatform(async (subject) => {
        const yaml = await writeSmallCube(subject.directory);
        return measureBuild(subject, yaml, smallCube);
      }),
    );
  }
  printBuilds(builds);
  return { reach: [], details: { builds } };
}

/** Runs on a platform of its own, in a folder that goes away with it. */
async function onNewPlatform<T>(work: (subject: BuildSubject) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'tessera-bench-'));
  const data = join(directory, 'data');
  mkdirSync(data);
  try {
    await using platform = await startPlatformProcess(data, ['--memory', '2048']);
    using client = connect(platform.address);
    return await work({ client, platform, directory });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The build whose time is the median. */
function medianBuild(builds: readonly BuildFigures[]): BuildFigures {
  const middle = median(builds.map(({ buildSeconds }) => buildSeconds));
  const distance = (build: BuildFigures) => Math.abs(build.buildSeconds - middle);
  return builds.toSorted((a, b) => distance(a) - distance(b))[0]!;
}

function printBuilds(builds: readonly Omit<BuildFigures, 'joinedPassSeconds'>[]): void {
  console.log(
    formatTable(
      ['BUILD', 'SECONDS', 'CPU s', 'RSS MB', 'FILES', 'ROWS', 'BYTES', 'PHASES'],
      builds.map((build, i) => [
        String(i + 1),
        build.buildSeconds.toFixed(2),
        build.cpuSeconds.toFixed(2),
        (build.peakRssBytes / 1e6).toFixed(0),
        build.cuboidFiles.toLocaleString(),
        build.cuboidRows.toLocaleString(),
        build.cuboidBytes.toLocaleString(),
        Object.entries(build.phases)
          .map(([phase, seconds]) => `${phase.toLowerCase()} ${seconds.toFixed(1)}`)
          .join(', '),
      ]),
    ),
  );
}
