import {
  Code,
  isTesseraError,
  LruCache,
  messageOf,
  resourceIdOf,
  TesseraError,
} from '@tessera/base';
import { dataTypeFromProto, modelSpecFromProto, segmentFromProto } from '@tessera/client';
import {
  type CubeState,
  isSameVersion,
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
import { type ModelFailure, tableKey, tablesOf } from './snapshot.ts';
import { disjointSegments, staleSegments } from './staleness.ts';

export interface ResolvedModels {
  readonly models: readonly Model[];
  readonly failures: readonly ModelFailure[];
}

interface Resolved {
  readonly tables: BindCatalog;
  readonly outcome: Model | TesseraError;
}

/** Resolves models against the tables that there are, each once for as long as neither changes. */
export class ModelResolver {
  readonly #known = new WeakMap<metadata.Model, Resolved>();

  /** Every model that fits the external catalog, and for the others why they do not. */
  resolve(resources: readonly metadata.Model[], tables: BindCatalog): ResolvedModels {
    const models: Model[] = [];
    const failures: ModelFailure[] = [];
    for (const resource of resources) {
      const known = this.#known.get(resource);
      const outcome = known?.tables === tables ? known.outcome : resolved(resource, tables);
      this.#known.set(resource, { tables, outcome });
      if (isTesseraError(outcome)) {
        failures.push({ model: resourceIdOf(resource.name), error: outcome });
      } else {
        models.push(outcome);
      }
    }
    return { models, failures };
  }
}

function resolved(resource: metadata.Model, tables: BindCatalog): Model | TesseraError {
  const model = resourceIdOf(resource.name);
  try {
    return resolveModel(model, resource.revision, modelSpecFromProto(resource.spec), tables);
  } catch (error) {
    return asFailure(model, error);
  }
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

/** What the state of a model is made of. */
export interface StateInputs {
  readonly model: Model;
  /** Resource names, each with what differs whenever its segments do. */
  readonly cubes: readonly { readonly name: string; readonly version: number }[];
  readonly segmentsOf: (cube: string) => readonly metadata.Segment[];
  /** Of the model's lookups. */
  readonly snapshots: readonly metadata.Snapshot[];
  readonly versions: ReadonlyMap<string, SourceVersion>;
  readonly sourceExtent: SourceExtent | undefined;
  readonly pushDown: boolean;
}

/** Layouts of the models whose states are kept: a few thousand bytes each. */
const maxLayouts = 50_000;
const maxModels = 10_000;

/** The states of the models that statements used last. One stays the same object for as long as nothing that it is made of changes. */
export class ModelStates {
  readonly #known = new LruCache<{ readonly inputs: StateInputs; readonly state: ModelState }>({
    maxEntries: maxModels,
    maxWeight: maxLayouts,
  });

  of(inputs: StateInputs): ModelState {
    const { name } = inputs.model;
    const known = this.#known.get(name);
    if (known !== undefined && sameInputs(known.inputs, inputs)) return known.state;
    const state = modelState(inputs);
    const layouts = state.cubes.flatMap(({ segments }) =>
      segments.map((each) => each.layouts.length),
    );
    const weight = layouts.reduce((sum, one) => sum + one, 0);
    this.#known.set(name, { inputs, state }, Math.min(weight, maxLayouts));
    return state;
  }
}

function sameInputs(a: StateInputs, b: StateInputs): boolean {
  return (
    a.model === b.model &&
    a.pushDown === b.pushDown &&
    a.sourceExtent === b.sourceExtent &&
    sameItems(a.snapshots, b.snapshots, (one, other) => one === other) &&
    sameItems(
      a.cubes,
      b.cubes,
      (one, other) => one.name === other.name && one.version === other.version,
    ) &&
    tablesOf(a.model).every((table) => isSameVersion(a.versions.get(table), b.versions.get(table)))
  );
}

function sameItems<T>(
  a: readonly T[],
  b: readonly T[],
  same: (one: T, other: T) => boolean,
): boolean {
  return a.length === b.length && a.every((one, i) => same(one, b[i]!));
}

export function modelState(inputs: StateInputs): ModelState {
  const { model, versions, sourceExtent, pushDown } = inputs;
  const copies = inputs.snapshots.map(lookupSnapshot);
  const cubes = inputs.cubes.map(({ name }): CubeState => {
    const segments = readySegments(inputs.segmentsOf(name));
    return {
      name,
      segments,
      stale: staleSegments(model, segments, versions),
      ...(sourceExtent === undefined ? {} : { sourceExtent }),
    };
  });
  return { model, cubes, snapshots: new Map(copies.map((copy) => [copy.id, copy])), pushDown };
}

/** READY segments, those that the model's own cube may read. */
function readySegments(segments: readonly metadata.Segment[]): readonly Segment[] {
  return disjointSegments(segments.filter(isReady).map(segmentFromProto));
}

export function isReady({ state }: metadata.Segment): boolean {
  return state === metadata.SegmentState.SEGMENT_STATE_READY;
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
