import type { Field } from '@tessera/columnar';
import {
  type MatchedRelation,
  type Relation,
  type SelectBlock,
  sameType,
  type TableRelation,
} from '@tessera/sql';
import type { CubeState, LookupSnapshot, MatchedBlock, ModelState, Reason } from '../matched.ts';
import type { Model } from '../model.ts';
import type { Segment } from '../segment.ts';
import { tablesOf } from './plan-block.ts';
import { type ReasonCode, reason, reasons } from './reasons.ts';
import { sameTable } from './star.ts';

/**
 * Blocks on lookups alone. Each table of such a block is replaced by its snapshot, when all segments of a cube that may
 * be read were built with the same one: whatever the block computes, it then computes it over the same rows.
 */
export interface SnapshotPlan {
  readonly cube: CubeState;
  readonly blocks: readonly MatchedBlock[];
  /** The block over the snapshots. */
  readonly residual: SelectBlock;
}

export interface SnapshotRefusal {
  readonly cube: CubeState;
  readonly code: ReasonCode;
  readonly missing: readonly string[];
}

/** What was tried of one model. */
export interface SnapshotAttempt {
  readonly kind: 'snapshot';
  readonly state: ModelState;
  readonly trials: readonly SnapshotTrial[];
  /** The trial that answers the block, perhaps of another model. */
  readonly taken: SnapshotPlan | undefined;
}

export interface SnapshotOutcome {
  readonly attempts: readonly SnapshotAttempt[];
  readonly taken: SnapshotPlan | undefined;
  /** Why there is none. */
  readonly reason?: Reason;
}

/** What a cube of a model has for the block. */
export type SnapshotTrial = SnapshotPlan | SnapshotRefusal;

/** By relation id: names of the columns that the statement uses. */
export type UsedColumns = ReadonlyMap<string, ReadonlySet<string>>;

/** Values of a snapshot that a statement takes in at most; a larger lookup is read where it is. */
export const maxSnapshotValues = 4_000_000;

export function isSnapshotPlan(trial: SnapshotTrial): trial is SnapshotPlan {
  return 'residual' in trial;
}

/** True when the block reads tables, and all of them are lookups of the model. */
function isOnLookups(block: SelectBlock, { lookups }: Model): boolean {
  const tables = tablesOf(block);
  const isLookup = ({ table }: TableRelation) =>
    lookups.some((each) => sameTable(each.table, table));
  return tables.length > 0 && tables.every(isLookup);
}

/** What snapshots have for a block; `undefined` when it reads anything but lookups of one model. */
export function fromSnapshots(
  block: SelectBlock,
  models: readonly ModelState[],
  used: UsedColumns,
): SnapshotOutcome | undefined {
  const states = models.filter(({ model }) => isOnLookups(block, model));
  if (states.length === 0) return undefined;
  const tried = states.map((state) => ({ state, trials: snapshotTrials(block, state, used) }));
  const trials = tried.flatMap((each) => each.trials);
  const taken = trials.find(isSnapshotPlan);
  const attempts = tried.map((each) => ({ kind: 'snapshot' as const, ...each, taken }));
  if (taken !== undefined) return { attempts, taken };
  const refusal = trials.find((trial): trial is SnapshotRefusal => !isSnapshotPlan(trial));
  const { code, missing }: Omit<SnapshotRefusal, 'cube'> = refusal ?? noCube;
  return { attempts, taken, reason: reason('LOOKUP_ONLY', reasons[code], missing) };
}

const noCube = { code: 'NO_READY_SEGMENT', missing: [] } as const;

/** One trial per cube, the cube whose snapshots are newest first. */
function snapshotTrials(
  block: SelectBlock,
  state: ModelState,
  used: UsedColumns,
): readonly SnapshotTrial[] {
  const tables = tablesOf(block);
  const newestFirst = state.cubes.toSorted(
    (a, b) => compare(oldestBuild(b), oldestBuild(a)) || (a.name < b.name ? -1 : 1),
  );
  return newestFirst.map((cube) => trialOf(block, tables, state, cube, used));
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function readable({ segments, stale }: CubeState): readonly Segment[] {
  return segments.filter(({ id }) => !stale.has(id));
}

function oldestBuild(cube: CubeState): bigint {
  return readable(cube).reduce(
    (oldest, { builtAt }) => (builtAt < oldest ? builtAt : oldest),
    1n << 63n,
  );
}

function trialOf(
  block: SelectBlock,
  tables: readonly TableRelation[],
  state: ModelState,
  cube: CubeState,
  used: UsedColumns,
): SnapshotTrial {
  const refuse = (code: ReasonCode, missing: readonly string[] = []): SnapshotRefusal => ({
    ...{ cube, code, missing },
  });
  const segments = readable(cube);
  if (cube.segments.length === 0) return refuse('NO_READY_SEGMENT');
  if (segments.length === 0) return refuse('STALE');
  const blocks: MatchedBlock[] = [];
  for (const relation of tables) {
    const id = sharedSnapshot(relation, state.model, segments);
    if (id === undefined) return refuse('SNAPSHOTS_DIFFER', [relation.table.table]);
    const snapshot = state.snapshots.get(id);
    if (snapshot === undefined) return refuse('SNAPSHOT_MISSING', [relation.table.table]);
    const columns = columnsOf(relation, used);
    const absent = columns.filter((column) => !holds(snapshot, column));
    if (absent.length > 0)
      return refuse(
        'SNAPSHOT_COLUMNS',
        absent.map(({ name }) => name),
      );
    if (Number(snapshot.rowCount) * columns.length > maxSnapshotValues) {
      return refuse('SNAPSHOT_TOO_LARGE', [relation.table.table]);
    }
    blocks.push(matchedLookup(relation, columns, state.model, cube, segments, snapshot));
  }
  const byRelation = new Map(blocks.map((each) => [each.relation, each]));
  const from = block.from.map((relation) => overSnapshots(relation, byRelation));
  return { cube, blocks, residual: { ...block, from } };
}

/** The snapshot of one of the table's roles that all segments were built with. */
function sharedSnapshot(
  { table }: TableRelation,
  { lookups }: Model,
  segments: readonly Segment[],
): string | undefined {
  const roles = lookups.filter((lookup) => sameTable(lookup.table, table));
  return roles
    .map(({ alias }) => new Set(segments.map(({ snapshots }) => snapshots[alias])))
    .find((ids) => ids.size === 1 && !ids.has(undefined))
    ?.values()
    .next().value;
}

/** At least one: rows without columns have no form. */
function columnsOf({ id, columns }: TableRelation, used: UsedColumns): readonly Field[] {
  const wanted = columns.filter(({ name }) => used.get(id)?.has(name));
  return wanted.length > 0 ? wanted : columns.slice(0, 1);
}

/** Parquet keeps intervals to the millisecond only, so those of a snapshot are not the source's. */
function holds({ columns }: LookupSnapshot, { name, type }: Field): boolean {
  const own = columns.find((column) => column.name === name);
  return own !== undefined && sameType(own.type, type) && type.kind !== 'interval';
}

function matchedLookup(
  { id: relation }: TableRelation,
  columns: readonly Field[],
  model: Model,
  cube: CubeState,
  segments: readonly Segment[],
  snapshot: LookupSnapshot,
): MatchedBlock {
  return {
    relation,
    model: model.name,
    cube: cube.name,
    schema: columns,
    keyCount: columns.length,
    merge: [],
    scans: [],
    snapshot,
    coverage: {
      model: model.name,
      modelRevision: model.revision,
      cube: cube.name,
      layouts: [],
      segments: segments.map(({ id }) => id),
      prunedSegments: [],
      snapshots: [snapshot.id],
      pushedDown: [],
      rejectedRows: snapshot.rejectedRows,
      asOf: oldestBuild(cube),
    },
  };
}

/** FROM with its tables replaced; what it has beside them stays. */
function overSnapshots(relation: Relation, blocks: ReadonlyMap<string, MatchedBlock>): Relation {
  if (relation.kind === 'table') return matchedRelation(blocks.get(relation.id)!);
  if (relation.kind !== 'join') return relation;
  const [left, right] = [relation.left, relation.right].map((side) => overSnapshots(side, blocks));
  return { ...relation, left: left!, right: right! };
}

function matchedRelation({ relation, schema }: MatchedBlock): MatchedRelation {
  return { kind: 'matched', id: relation, columns: schema };
}
