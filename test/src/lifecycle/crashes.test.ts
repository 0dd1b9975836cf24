import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resourceIdOf } from '@tessera/base';
import { listAll, type TesseraClient } from '@tessera/client';
import { metadata } from '@tessera/proto';
import { startPlatform } from '@tessera/standalone';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Work } from './crash/work.ts';
import { answers, cube, expected, filesBelow } from './sales.ts';
import { ScratchPlatform, smallConfig } from './scratch-platform.ts';

/**
 * `kill -9` of the whole platform at every journaled step, at every call that takes files in, and before and after
 * the publishing transaction: a restart ends what was begun, and nothing is published wrong, twice or not at all.
 */
const entry = join(import.meta.dirname, 'crash', 'platform-process.ts');
let base: ScratchPlatform;

beforeAll(async () => {
  base = await ScratchPlatform.withSales();
  await base.stop();
  cpSync(join(base.folder, 'data'), join(base.folder, 'empty'), { recursive: true });
  await base.restart();
  await base.apply({ planner: '{ budget: 64MB }' });
  await base.stop();
  cpSync(join(base.folder, 'data'), join(base.folder, 'unplanned'), { recursive: true });
  await base.restart();
  await base.apply();
  await base.build();
  await base.stop();
  cpSync(join(base.folder, 'data'), join(base.folder, 'built'), { recursive: true });
  await base.restart();
}, 120_000);

afterAll(() => base?.[Symbol.asyncDispose]());

describe.each([
  {
    kind: 'build',
    begin: 'empty',
    ready: ['2024-01', '2024-02', '2024-03', 'null'],
    written: { '2024-01': 1, '2024-02': 1, '2024-03': 1, null: 1 },
  },
  {
    kind: 'merge',
    begin: 'built',
    ready: ['2024-01-01_2024-03-01', '2024-03', 'null'],
    written: { '2024-01': 2, '2024-02': 2, '2024-03': 1, null: 1, '2024-01-01_2024-03-01': 1 },
  },
] as const)('a $kind', ({ kind, begin, ready, written }) => {
  test('ends right after a crash at any of its steps', { timeout: 900_000 }, async () => {
    const right = await expected(base.folder);
    const whole = await runUntil(kind, begin, Number.MAX_SAFE_INTEGER, right);
    expect(whole.crashed).toBe(false);
    const points = Number(whole.output);
    expect(points).toBeGreaterThan(8);
    for (let at = 0; at < points; at++) {
      const { crashed, state } = await runUntil(kind, begin, at, right);
      expect({ at, crashed, ...state }).toEqual({
        at,
        crashed: true,
        operations: ['SUCCEEDED'],
        unfinishedSteps: [],
        ready: [...ready].sort(),
        written,
        wrongAnswers: [],
        staging: [],
        unnamedFiles: [],
      });
    }
  });
});

/** So many points a build passes until it has its plan; what comes then is as in any build. */
const pointsOfPlanning = 7;

describe.each(['plan', 'build'] as const)('the plan that a %s makes', (kind) => {
  test('is made and applied once, whatever step it crashes at', { timeout: 600_000 }, async () => {
    const look = (client: TesseraClient) => planState(client, kind);
    const { output, state: whole } = await crashAt(
      kind,
      'unplanned',
      Number.MAX_SAFE_INTEGER,
      look,
    );
    const points = Number(output);
    expect(points).toBeGreaterThan(4);
    // The cube was written when it was applied, first with cuboids and then with a planner, and with its plan.
    expect(whole).toMatchObject({ operations: ['SUCCEEDED'], unfinishedSteps: [], written: 3 });
    expect(whole.cuboids.length).toBeGreaterThan(0);
    for (let at = 0; at < Math.min(points, pointsOfPlanning); at++) {
      const { crashed, state } = await crashAt(kind, 'unplanned', at, look);
      expect({ at, crashed, ...state }).toEqual({ at, crashed: true, ...whole });
    }
  });
});

/** The cube's plan, and how often the cube was ever written. */
async function planState(client: TesseraClient, kind: Work) {
  const records = await endedOperations(client, kind);
  const { plan, revision } = await client.cubes.getCube({ name: cube });
  let written = 0;
  const parent = 'projects/default';
  for await (const change of client.cubes.watchCubes({ parent, startRevision: 1n })) {
    if (change.event?.$case === 'put') written++;
    else if (change.revision >= revision) break;
  }
  return {
    operations: records.map(({ state }) => nameOf(state)),
    unfinishedSteps: await unfinishedSteps(client, records),
    cuboids: plan?.cuboids.map(({ names }) => names.join()) ?? [],
    segments: await readySegments(client),
    written,
  };
}

/** A run to the n-th point, and what came of it for the segments. */
function runUntil(kind: Work, begin: string, at: number, right: readonly string[][]) {
  return crashAt(kind, begin, at, (client, folder) => stateOf(client, folder, kind, right));
}

/** Runs to the n-th point in a process of its own, then starts again here and looks at what came of it. */
async function crashAt<State>(
  kind: Work,
  begin: string,
  at: number,
  look: (client: TesseraClient, folder: string) => Promise<State>,
) {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-crash-'));
  try {
    cpSync(join(base.folder, begin), join(folder, 'data'), { recursive: true });
    const { signal, output } = await run([folder, kind, String(at)]);
    await using platform = await startPlatform(smallConfig(folder));
    const state = await look(platform.client, folder);
    return { crashed: signal === 'SIGKILL', output, state };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function stateOf(
  client: TesseraClient,
  folder: string,
  kind: string,
  right: readonly string[][],
) {
  const records = await endedOperations(client, kind);
  const found = (await answers(client, 'always')).map(({ rows }) => rows);
  const storage = join(folder, 'data', 'storage');
  const named = await namedFiles(client);
  return {
    operations: records.map(({ state }) => nameOf(state)),
    unfinishedSteps: await unfinishedSteps(client, records),
    ready: await readySegments(client),
    written: await writesOf(client),
    wrongAnswers: found.filter((rows, i) => rows.join() !== right[i]!.join()),
    staging: filesBelow(join(storage, 'staging')),
    unnamedFiles: filesBelow(storage)
      .filter((file) => file.endsWith('.parquet'))
      .filter((file) => !named.has(file)),
  };
}

async function unfinishedSteps(
  client: TesseraClient,
  records: readonly metadata.OperationRecord[],
): Promise<string[]> {
  const journals = await Promise.all(
    records.map(({ name }) => client.operationRecords.listJournalEntries({ parent: name })),
  );
  return journals
    .flatMap(({ journalEntries }) => journalEntries)
    .filter(({ state }) => state !== metadata.JournalState.JOURNAL_STATE_DONE)
    .map(({ step }) => step);
}

async function endedOperations(client: TesseraClient, kind: string) {
  for (;;) {
    const { resources } = await listAll(client, 'operationRecords');
    const ours = resources.filter((record) => record.kind === kind);
    // The copied data holds the build that a merge stands on; it ended long before.
    if (ours.every(({ endTime }) => endTime !== undefined)) return ours;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function nameOf(state: metadata.OperationState): string {
  const found = Object.entries(metadata.OperationState).find(([, value]) => value === state);
  return found![0].replace('OPERATION_STATE_', '');
}

async function readySegments(client: TesseraClient): Promise<string[]> {
  const { resources } = await listAll(client, 'segments', { parent: cube });
  return resources
    .filter(({ state }) => state === metadata.SegmentState.SEGMENT_STATE_READY)
    .map(({ name }) => resourceIdOf(name))
    .sort();
}

/** How often each segment was ever written. */
async function writesOf(client: TesseraClient): Promise<Record<string, number>> {
  const { revision } = await client.segments.listSegments({ parent: cube });
  const writes: Record<string, number> = {};
  const changes = client.segments.watchSegments({ parent: cube, startRevision: 1n });
  for await (const change of changes) {
    if (change.event?.$case === 'put') {
      const id = resourceIdOf(change.event.value.name);
      writes[id] = (writes[id] ?? 0) + 1;
    } else if (change.revision >= revision) break;
  }
  return writes;
}

async function namedFiles(client: TesseraClient): Promise<ReadonlySet<string>> {
  const [segments, snapshots, dictionaries] = await Promise.all([
    listAll(client, 'segments', { parent: cube }),
    listAll(client, 'snapshots', { parent: 'projects/default' }),
    listAll(client, 'dictionaries', { parent: 'projects/default' }),
  ]);
  const layouts = segments.resources.flatMap((segment) => segment.layouts);
  const all = [...layouts, ...snapshots.resources, ...dictionaries.resources];
  return new Set(all.map(({ file }) => file));
}

function run(args: readonly string[]): Promise<{ signal: string | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--conditions=tessera-source', '--disable-warning=ExperimentalWarning', entry, ...args],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let output = '';
    let problems = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (problems += text));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code !== null && code !== 0) reject(new Error(`ended with ${code}: ${problems}`));
      else resolve({ signal, output });
    });
  });
}
