import { Code, isTesseraError, messageOf, resourceIdOf, TesseraError } from '@tessera/base';
import {
  cubeSpecFromProto,
  dataTypeFromProto,
  modelSpecFromProto,
  segmentFromProto,
} from '@tessera/client';
import {
  type CubeState,
  type LookupSnapshot,
  type Model,
  type ModelState,
  resolveModel,
  type Segment,
  type SourceExtent,
  type SourceVersion,
} from '@tessera/cube';
import { metadata } from '@tessera/proto';
import type { BindCatalog } from '@tessera/sql';
import { type ModelFailure, tableKey } from './snapshot.ts';
import { disjointSegments, staleSegments } from './staleness.ts';

export interface ResolvedModels {
  readonly models: readonly Model[];
  readonly failures: readonly ModelFailure[];
}

/** Every model that fits the external catalog, and for the others why they do not. */
export function resolveModels(
  resources: readonly metadata.Model[],
  tables: BindCatalog,
): ResolvedModels {
  const models: Model[] = [];
  const failures: ModelFailure[] = [];
  for (const resource of resources) {
    const model = resourceIdOf(resource.name);
    try {
      models.push(
        resolveModel(model, resource.revision, modelSpecFromProto(resource.spec), tables),
      );
    } catch (error) {
      failures.push({ model, error: asFailure(model, error) });
    }
  }
  return { models, failures };
}

/** Every table that a model names, also a model that does not fit it now: it may fit what the table becomes. */
export function followedTables(resources: readonly metadata.Model[]): ReadonlySet<string> {
  const tables = new Set<string>();
  for (const { spec } of resources) {
    if (spec?.fact === undefined) continue;
    const { source, table } = spec.fact;
    tables.add(tableKey({ source, table }));
    for (const join of spec.joins) {
      tables.add(tableKey({ source: join.source || source, table: join.table }));
    }
  }
  return tables;
}

function asFailure(model: string, error: unknown): TesseraError {
  if (isTesseraError(error)) return error;
  return new TesseraError({
    code: Code.INTERNAL,
    reason: 'INTERNAL',
    message: `Model ${model} cannot be used: ${messageOf(error)}`,
    metadata: { model },
    cause: error,
  });
}

/** READY segments by cube, those that the model's own cube may read. */
export function readySegments(
  segments: readonly metadata.Segment[],
): ReadonlyMap<string, readonly Segment[]> {
  const ready = segments.filter(({ state }) => state === metadata.SegmentState.SEGMENT_STATE_READY);
  const byCube = Map.groupBy(ready, ({ name }) => name.slice(0, name.indexOf('/segments/')));
  return new Map(
    [...byCube].map(([cube, found]) => [cube, disjointSegments(found.map(segmentFromProto))]),
  );
}

export interface StateInputs {
  readonly cubes: readonly metadata.Cube[];
  readonly segments: ReadonlyMap<string, readonly Segment[]>;
  readonly snapshots: readonly metadata.Snapshot[];
  readonly versions: ReadonlyMap<string, SourceVersion>;
  readonly pushDown: (model: Model) => boolean;
}

export function modelStates(models: readonly Model[], inputs: StateInputs): ModelState[] {
  const byModel = Map.groupBy(inputs.cubes, (cube) => cubeSpecFromProto(cube.spec).model);
  const ofModel = Map.groupBy(inputs.snapshots, (snapshot) => resourceIdOf(snapshot.model));
  return models.map((model) => {
    const copies = (ofModel.get(model.name) ?? []).map(lookupSnapshot);
    const snapshots = new Map(copies.map((copy) => [copy.id, copy]));
    const cubes = (byModel.get(model.name) ?? []).map(({ name }): CubeState => {
      const segments = inputs.segments.get(name) ?? [];
      return { name, segments, stale: staleSegments(model, segments, inputs.versions) };
    });
    return { model, cubes, snapshots, pushDown: inputs.pushDown(model) };
  });
}

/** The same with the extents of their facts, by model, where these are known. */
export function withExtents(
  states: readonly ModelState[],
  extents: ReadonlyMap<string, SourceExtent>,
): ModelState[] {
  return states.map((state) => {
    const sourceExtent = extents.get(state.model.name);
    if (sourceExtent === undefined) return state;
    return { ...state, cubes: state.cubes.map((cube) => ({ ...cube, sourceExtent })) };
  });
}

function lookupSnapshot(message: metadata.Snapshot): LookupSnapshot {
  const { name, columns, rowCount, sizeBytes, rejectedRows } = message;
  return {
    id: resourceIdOf(name),
    name,
    columns: columns.map((column) => ({ name: column.name, type: dataTypeFromProto(column.type) })),
    rowCount,
    sizeBytes,
    rejectedRows,
  };
}
