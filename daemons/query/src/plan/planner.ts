import { AccessView, type Caller, callerKey, protect } from '@tessera/access';
import { type Clock, LruCache } from '@tessera/base';
import type { PlanKind } from '@tessera/client';
import { type DataType, parseValue } from '@tessera/columnar';
import {
  type BlockExplanation,
  layoutRelation,
  type MatchedBlock,
  type MatchedStatement,
  type Model,
  matchStatement,
  refusalOf,
} from '@tessera/cube';
import {
  type BindSettings,
  bind,
  type Explain,
  type Expr,
  type ParameterValues,
  parse,
  type Query,
  queryKey,
  type Statement,
  walkExpr,
} from '@tessera/sql';
import { inSpan } from '@tessera/telemetry';
import type { BlockOfLog } from '../admission/query-log.ts';
import { type CatalogSnapshot, statesFor, tableKey } from '../catalog/snapshot.ts';
import { parameterMissing, pushDownOff } from '../errors.ts';
import { compileResidual } from '../execute/residual.ts';
import { coverageFor, explanationsFor, readsInPart, refusalFor, tellsWork } from './for-caller.ts';
import type { Plan, PlanSettings } from './plan.ts';
import { predictWork } from './predict-work.ts';
import { neededTables } from './table-scans.ts';

export interface PlanRequest {
  readonly sql: string;
  readonly parameters: ParameterValues;
  readonly parameterTypes: readonly (DataType | undefined)[];
  readonly settings: PlanSettings;
  /** Absent where access is not controlled. */
  readonly caller?: Caller;
}

interface Caches {
  readonly views: LruCache<AccessView>;
  readonly byText: LruCache<Plan>;
  readonly byMeaning: LruCache<Plan>;
}

const maxCachedCharacters = 32 * 1024 * 1024;
/** Different sets of roles whose views of a catalog are kept. */
const maxViews = 200;

/**
 * From text to plan. Plans belong to one snapshot of the catalog, so its revision is part of every key by
 * construction: caches are per snapshot and go with it. Within it a plan is found by its exact text, else by the whole bound
 * statement; constants stay in the key, because they decide types, matching and pruning, and so do the caller's roles
 * and the revision of the policies. A statement is bound to what its caller sees and narrowed to that before anything else.
 */
export class Planner {
  readonly #caches = new WeakMap<CatalogSnapshot, Caches>();
  readonly #maxPlans: number;
  readonly #clock: Clock;

  constructor(maxPlans: number, clock: Clock) {
    this.#maxPlans = maxPlans;
    this.#clock = clock;
  }

  /** @throws what parsing and binding throw; a refusal is part of the plan. `cached`: nothing had to be planned. */
  async plan(
    request: PlanRequest,
    snapshot: CatalogSnapshot,
    signal: AbortSignal,
  ): Promise<{ readonly plan: Plan; readonly cached: boolean }> {
    const caches = this.#cachesOf(snapshot);
    const settingsKey = keyOfSettings(request);
    const textKey = `${settingsKey}\u0000${request.sql}`;
    const known = caches.byText.get(textKey);
    if (known !== undefined) return { plan: known, cached: true };
    const parsed = inSpan('parse', {}, () => parse(request.sql));
    const { settings, asked } = this.#bindSettings(request);
    const view = this.viewOf(request.caller, snapshot);
    const tables = view?.catalog ?? snapshot.tables;
    const statement = inSpan('bind', {}, () => bind(parsed, tables, settings));
    const key = `${settingsKey}\u0000${explainKey(parsed.explain)}\u0000${queryKey(statement)}`;
    const found = caches.byMeaning.get(key);
    const plan =
      found ??
      (await makePlan({ statement, explain: parsed.explain, request, snapshot, view }, signal));
    if (found === undefined) caches.byMeaning.set(key, plan, key.length);
    // A text that means another thing tomorrow is looked at anew.
    if (!asked()) caches.byText.set(textKey, plan, textKey.length);
    return { plan, cached: found !== undefined };
  }

  /** The catalog as a caller sees it; `undefined` where access is not controlled. */
  viewOf(caller: Caller | undefined, snapshot: CatalogSnapshot): AccessView | undefined {
    if (caller === undefined) return undefined;
    const { views } = this.#cachesOf(snapshot);
    const key = callerKey(caller);
    const known = views.get(key);
    if (known !== undefined) return known;
    const made = new AccessView({ ...caller, project: snapshot.project }, snapshot.tables);
    views.set(key, made, 1);
    return made;
  }

  statistics(snapshot: CatalogSnapshot) {
    const { byText, byMeaning } = this.#cachesOf(snapshot);
    return { byText: byText.statistics(), byMeaning: byMeaning.statistics() };
  }

  #cachesOf(snapshot: CatalogSnapshot): Caches {
    const known = this.#caches.get(snapshot);
    if (known !== undefined) return known;
    const limits = { maxEntries: this.#maxPlans, maxWeight: maxCachedCharacters };
    const made = {
      views: new LruCache<AccessView>({ maxEntries: maxViews, maxWeight: maxViews }),
      byText: new LruCache<Plan>(limits),
      byMeaning: new LruCache<Plan>(limits),
    };
    this.#caches.set(snapshot, made);
    return made;
  }

  #bindSettings(request: PlanRequest): { settings: BindSettings; asked: () => boolean } {
    const now = this.#clock.now();
    let asked = false;
    const settings: BindSettings = {
      timeZone: request.settings.timeZone,
      parameterTypes: request.parameterTypes,
      get now() {
        asked = true;
        return now;
      },
    };
    return { settings, asked: () => asked };
  }
}

function explainKey(explain: Explain | undefined): string {
  return explain === undefined ? '' : `${explain.analyze} ${explain.format}`;
}

/** Values count too: matching proves time ranges by them. */
function keyOfSettings({ settings, parameters, parameterTypes, caller }: PlanRequest): string {
  const { timeZone, useCuboids } = settings;
  const access = caller === undefined ? '' : callerKey(caller);
  const key = `${access}\u0000${timeZone}\u0000${useCuboids}`;
  if (parameters.length === 0) return key;
  const values = JSON.stringify([parameters, parameterTypes], (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
  return `${key}\u0000${values}`;
}

interface Bound {
  readonly statement: Statement;
  readonly explain: Explain | undefined;
  readonly request: PlanRequest;
  readonly snapshot: CatalogSnapshot;
  readonly view: AccessView | undefined;
}

async function makePlan(
  { statement, explain, request, snapshot, view }: Bound,
  signal: AbortSignal,
): Promise<Plan> {
  const { settings } = request;
  const query = view === undefined ? statement.query : protect(statement.query, view);
  const inPart = view !== undefined && readsInPart(statement.query, view);
  const parameters = typedValues(request, statement.parameterTypes);
  const options = { cuboids: settings.useCuboids, parameters, timeZone: settings.timeZone };
  const asSeen = { ...statement, query };
  const states = await statesFor(snapshot, new Set(tablesIn(query)), signal);
  const matched = inSpan('match', {}, () => matchStatement(asSeen, states, options));
  const tables = sourceTablesOf(matched);
  const unmatched = refusalOf(matched);
  const refusal =
    (unmatched && inPart ? refusalFor(unmatched) : unmatched) ?? closedTable(tables, snapshot);
  const compiled = isSmall(matched) ? compileResidual(matched.residual) : undefined;
  return {
    ...(explain && { explain }),
    schema: statement.schema,
    parameters,
    residual: matched.residual,
    ...(compiled === undefined ? {} : { compiled }),
    blocks: matched.blocks,
    explanations:
      view === undefined
        ? matched.explanations
        : explanationsFor(view, matched.explanations, snapshot.models, inPart),
    readsInPart: inPart,
    tellsWork: tellsWork(
      { view, caller: request.caller },
      snapshot,
      matched.blocks.map(({ model }) => model),
      inPart,
    ),
    kind: kindOf(matched, tables),
    predictedMs: predictWork(matched.explanations, tables, snapshot),
    sourceTables: tables,
    coverage: matched.blocks.map(({ coverage }) =>
      view === undefined ? coverage : coverageFor(view, coverage, snapshot.models),
    ),
    ...(refusal === undefined ? {} : { refusal }),
    shape: {
      sql: withoutConstants(request.sql),
      blocks: blocksOfLog(matched, snapshot.models),
    },
  };
}

/** Rows of snapshots beyond which JavaScript would keep other statements waiting. */
const maxCompiledRows = 20_000n;

function isSmall({ blocks }: MatchedStatement): boolean {
  return blocks.every(({ snapshot }) => (snapshot?.rowCount ?? 0n) <= maxCompiledRows);
}

/** An untyped text is read as the type that the statement gave its parameter. */
function typedValues(
  { parameters, parameterTypes }: PlanRequest,
  wanted: readonly DataType[],
): ParameterValues {
  return wanted.map((type, i) => {
    const value = parameters[i];
    if (value === undefined) throw parameterMissing(i + 1, wanted.length);
    const untyped = parameterTypes[i] === undefined && typeof value === 'string';
    return untyped && type.kind !== 'text' ? parseValue(type, value) : value;
  });
}

function sourceTablesOf({ residual, blocks }: MatchedStatement): readonly string[] {
  const queries = [residual, ...blocks.flatMap(({ holes }) => holes?.query ?? [])];
  return [...new Set(queries.flatMap(tablesIn))].sort();
}

/** As `source.table`. */
function tablesIn(query: Query): readonly string[] {
  return neededTables(query).map(({ relation }) => tableKey(relation.table));
}

function closedTable(tables: readonly string[], snapshot: CatalogSnapshot) {
  const closed = tables.find((table) =>
    [...snapshot.closedSources].some((source) => table.startsWith(`${source}.`)),
  );
  return closed === undefined ? undefined : pushDownOff(closed);
}

function kindOf({ blocks }: MatchedStatement, tables: readonly string[]): PlanKind {
  if (blocks.length === 0) return tables.length === 0 ? 'constant' : 'source';
  return tables.length === 0 ? 'cuboid' : 'mixed';
}

/** The text with `?` for its constants and single blanks: equal for statements that differ in constants alone. */
function withoutConstants(sql: string): string {
  return sql
    .replaceAll(/'(?:[^']|'')*'|(?<![\w$.])\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi, '?')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function blocksOfLog(matched: MatchedStatement, models: readonly Model[]): BlockOfLog[] {
  return [
    ...matched.blocks
      .filter(({ snapshot }) => snapshot === undefined)
      .map((block) => blockOfLog(block, models)),
    ...matched.explanations.flatMap(unansweredBlock),
  ];
}

/** Dimensions and measures are read off the scans: that is what the block needs of any layout. */
function blockOfLog(block: MatchedBlock, models: readonly Model[]): BlockOfLog {
  const model = models.find(({ name }) => name === block.model);
  const columns = new Set<string>();
  const note = (expr: Expr) =>
    walkExpr(expr, (part) => {
      if (part.kind === 'column' && part.relation === layoutRelation) columns.add(part.name);
      return true;
    });
  for (const { groupBy, filter, lookups, aggregates } of block.scans) {
    for (const { expr } of groupBy) note(expr);
    if (filter !== undefined) note(filter);
    for (const { on } of lookups) for (const { expr } of on) note(expr);
    for (const { args, filter: own } of aggregates) {
      args.forEach(note);
      if (own !== undefined) note(own);
    }
  }
  const measures = (model?.measures ?? []).filter(({ parts }) =>
    parts.every(({ column }) => columns.has(column)),
  );
  const dimensions = (model?.dimensions ?? []).filter(({ name }) => columns.has(name));
  return {
    model: block.model,
    dimensions: dimensions.map(({ name }) => name),
    measures: measures.map(({ name }) => name),
    layout: block.scans[0]?.layout ?? '',
  };
}

/** A block that a model could answer if it kept one more cuboid. */
function unansweredBlock({ outcome, fix, candidates }: BlockExplanation): BlockOfLog[] {
  const model = candidates[0]?.model;
  if (outcome === 'cuboid' || outcome === 'mixed' || model === undefined) return [];
  return (fix?.addCuboids ?? []).map((dimensions) => ({
    model,
    dimensions,
    measures: fix!.addMeasures.map(({ name }) => name),
    layout: '',
  }));
}
