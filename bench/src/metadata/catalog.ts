import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TesseraClient } from '@tessera/client';
import { metadata, type } from '@tessera/proto';
import { inParallel } from './in-parallel.ts';

export interface CatalogSize {
  readonly models: number;
  /** Of facts, in one source; each has the same number of models. */
  readonly tables: number;
  /** In all; each model has one cube, and each cube the same number. */
  readonly segments: number;
}

export const project = 'projects/large';
const microsPerDay = 86_400_000_000n;
/** Requests at a time while the catalog is filled. */
const parallelism = 16;

export function tableName(i: number): string {
  return `sales_${i}`;
}

export function cubeName(i: number): string {
  return `${project}/cubes/sales-${i}`;
}

/** A source of small files, and so many models of them with a cube each. */
export async function createModels(
  { projects, sources, models, cubes }: TesseraClient,
  folder: string,
  size: Pick<CatalogSize, 'models' | 'tables'>,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const names = Array.from({ length: size.tables }, (_, i) => tableName(i));
  for (const name of names) {
    writeFileSync(join(folder, `${name}.csv`), 'day,shop,amount\n2024-01-01,one,1\n');
  }
  const tables = Object.fromEntries(names.map((name) => [name, { path: `${name}.csv` }]));
  await projects.createProject({ projectId: 'large' });
  await sources.createSource({
    parent: project,
    sourceId: 'files',
    source: {
      connector: '@tessera/connector-files',
      config: { tables },
      baseDirectory: folder,
    },
  });
  await inParallel(parallelism, size.models, async (i) => {
    const model = { spec: modelSpec(names[i % names.length]!) };
    await models.createModel({ parent: project, modelId: `sales-${i}`, model });
    const cube = { spec: cubeSpec(`sales-${i}`) };
    await cubes.createCube({ parent: project, cubeId: `sales-${i}`, cube });
  });
}

/** Publishes the segments of all cubes, so many at a time. Gives segments per second. */
export async function fill(
  { segments }: TesseraClient,
  { models, segments: count }: CatalogSize,
  batch: number,
): Promise<number> {
  const perCube = Math.ceil(count / models);
  const startedMs = performance.now();
  await inParallel(parallelism, models, async (i) => {
    for (let day = 0; day < perCube; day += batch) {
      const days = Array.from({ length: Math.min(batch, perCube - day) }, (_, j) => day + j);
      const made = days.map((one) => segmentOf(cubeName(i), one));
      await segments.publishSegments({ parent: cubeName(i), segments: made });
    }
  });
  return (models * perCube) / ((performance.now() - startedMs) / 1000);
}

/** One day of a cube as the scheduler publishes it: two cuboids of three columns with their statistics. */
export function segmentOf(cube: string, day: number): metadata.Segment {
  const startMicros = BigInt(day) * microsPerDay;
  return metadata.Segment.fromPartial({
    name: `${cube}/segments/day-${day}`,
    range: {
      kind: { $case: 'range', value: { startMicros, endMicros: startMicros + microsPerDay } },
    },
    layouts: [layoutOf(cube, 'base', [0, 1], day), layoutOf(cube, 'days', [0], day)],
    sourceVersions: { 'files.sales': { known: true, token: 'size-34' } },
    modelRevision: 5n,
    sourceRows: 86_400n,
    builtAtMicros: startMicros,
    operation: 'operations/build-1',
  });
}

function layoutOf(cube: string, id: string, dimensionIndexes: readonly number[], day: number) {
  // As hard to compress as those of files.
  const digest = createHash('sha256').update(`${cube} ${id} ${day}`).digest('hex');
  const { LAYOUT_COLUMN_ROLE_DIMENSION, LAYOUT_COLUMN_ROLE_MEASURE } = metadata.LayoutColumnRole;
  const text = (value: string) => ({ kind: { $case: 'textValue' as const, value } });
  const names = ['day', 'shop'].slice(0, dimensionIndexes.length);
  return {
    id: id.padEnd(40, '1'),
    kind: metadata.LayoutKind.LAYOUT_KIND_ROWS,
    dimensionIndexes: [...dimensionIndexes],
    columns: [
      ...names.map((name) => ({
        name,
        type: { kind: type.TypeKind.TYPE_KIND_TEXT },
        role: LAYOUT_COLUMN_ROLE_DIMENSION,
        minimum: text('a'),
        maximum: text('z'),
        hasNulls: false,
      })),
      {
        name: 'amount',
        type: { kind: type.TypeKind.TYPE_KIND_BIGINT },
        role: LAYOUT_COLUMN_ROLE_MEASURE,
      },
    ],
    sortColumns: names,
    rowCount: 1_000n,
    sizeBytes: 20_000n,
    checksum: digest.slice(0, 32),
    fileDigest: digest,
    file: `large/sales/${digest}.parquet`,
  };
}

function modelSpec(table: string): metadata.ModelSpec {
  const { GRAIN_DAY } = metadata.Grain;
  return metadata.ModelSpec.fromPartial({
    fact: { source: 'files', table, alias: 's' },
    partition: { column: 's.day', grain: GRAIN_DAY },
    dimensions: [
      { name: 'day', column: 's.day', grain: GRAIN_DAY },
      { name: 'shop', column: 's.shop' },
    ],
    measures: [
      {
        name: 'amount',
        aggregate: metadata.MeasureAggregate.MEASURE_AGGREGATE_SUM,
        column: 's.amount',
      },
    ],
  });
}

function cubeSpec(model: string): metadata.CubeSpec {
  return metadata.CubeSpec.fromPartial({
    model,
    groups: [{ include: ['day', 'shop'], mandatory: ['day'] }],
    segments: { every: metadata.Grain.GRAIN_DAY },
  });
}
