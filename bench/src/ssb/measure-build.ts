import { applyResources, readResources } from '@tessera/cli';
import { type Connection, wait } from '@tessera/client';
import { scheduler } from '@tessera/proto';
import type { Reach } from '../benchmark.ts';
import type { PlatformProcess } from '../platform-process.ts';
import { median } from '../statistics.ts';
import { writeSsbResources } from './resources.ts';
import { DuckDbRival, joinedPassSql } from './rival.ts';

export interface BuildFigures {
  readonly buildSeconds: number;
  /** Of the platform's process, for the build. */
  readonly cpuSeconds: number;
  /** When each phase was first seen, seconds since the build began. */
  readonly phases: Readonly<Record<string, number>>;
  readonly joinedPassSeconds: number;
  readonly peakRssBytes: number;
  readonly cuboidBytes: number;
  readonly cuboidRows: number;
  readonly cuboidFiles: number;
}

/** The platform, a connection to it, and where the data of the benchmark are. */
export interface BuildSubject {
  readonly client: Connection;
  readonly platform: PlatformProcess;
  readonly directory: string;
}

/** Applies the benchmark's resources and builds all cuboids once, from nothing. */
export async function measureSsbBuild(subject: BuildSubject): Promise<BuildFigures> {
  const yaml = writeSsbResources(subject.directory, subject.directory);
  const build = await measureBuild(subject, yaml, 'projects/default/cubes/ssb');
  const joinedPass = await joinedPassSeconds(subject.directory);
  const figures = { ...build, joinedPassSeconds: joinedPass };
  console.log(
    `built ${figures.cuboidRows.toLocaleString()} cuboid rows in ${figures.buildSeconds.toFixed(1)} s (${figures.cpuSeconds.toFixed(1)} s CPU); one joined pass takes ${joinedPass.toFixed(2)} s:\n${joinedPassSql}\n`,
  );
  return figures;
}

/** Applies the resources of a file and builds a cube of theirs. */
export async function measureBuild(
  { client, platform, directory }: BuildSubject,
  yaml: string,
  cube: string,
): Promise<Omit<BuildFigures, 'joinedPassSeconds'>> {
  const project = { project: 'default', baseDirectory: directory };
  await applyResources(client, readResources([yaml]), project);
  const cpuBefore = platform.cpuSeconds();
  const startedMs = performance.now();
  const secondsSoFar = () => (performance.now() - startedMs) / 1000;
  const phases: Record<string, number> = {};
  const operation = await client.builds.buildSegments({ cube });
  await wait(client.operations, operation, {
    response: scheduler.BuildSegmentsResponse,
    onProgress: ({ phase }) => {
      phases[phase] ??= secondsSoFar();
    },
  });
  const buildSeconds = secondsSoFar();
  const cpuSeconds = platform.cpuSeconds() - cpuBefore;
  const peakRssBytes = platform.peakRssBytes();
  const { layouts } = await client.storage.getStats({ cube });
  const sum = (pick: (layout: (typeof layouts)[number]) => bigint) =>
    Number(layouts.reduce((total, layout) => total + pick(layout), 0n));
  return {
    buildSeconds,
    cpuSeconds,
    phases,
    peakRssBytes,
    cuboidBytes: sum(({ sizeBytes }) => sizeBytes),
    cuboidRows: sum(({ rowCount }) => rowCount),
    cuboidFiles: sum(({ segmentCount }) => BigInt(segmentCount)),
  };
}

/** Median of three passes over the files the build read, after one that warms the file cache. */
async function joinedPassSeconds(directory: string): Promise<number> {
  using files = await DuckDbRival.open(directory, 'view');
  await files.time(joinedPassSql);
  const times = [];
  for (let i = 0; i < 3; i++) times.push(await files.time(joinedPassSql));
  return median(times) / 1000;
}

/** What the build of all cuboids should cost: at scale factor 10 less beside a pass, as cuboids grow slower than facts. */
export function buildReach(scaleFactor: number, build: BuildFigures, sourceBytes: number): Reach[] {
  const large = scaleFactor >= 10;
  return [
    {
      id: 'build-passes',
      value: build.buildSeconds / build.joinedPassSeconds,
      op: '<=',
      target: large ? 6 : 12,
      unit: 'joined passes',
      rival: 'one joined pass in DuckDB',
      rivalValue: 1,
    },
    {
      id: 'cuboid-bytes',
      value: build.cuboidBytes / sourceBytes,
      op: '<=',
      target: large ? 0.02 : 0.08,
      unit: 'of the CSV bytes',
    },
    { id: 'build-rss', value: build.peakRssBytes / 1e9, op: '<=', target: 4, unit: 'GB' },
  ];
}
