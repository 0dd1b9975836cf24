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
  type Expr,
  type ParameterValues,
  parse,
  queryKey,
  type Statement,
  walkExpr,
} from '@tessera/sql';
import { inSpan } from '@tessera/telemetry';
import type { BlockOfLog } from '../admission/query-log.ts';
import { type CatalogSnapshot, tableKey } from '../catalog/snapshot.ts';
import { parameterMissing, pushDownOff } from '../errors.ts';
import { compileResidual } from '../execute/residual.ts';
import type { Plan, PlanSettings } from './plan.ts';
import { neededTables } from './table-scans.ts';

export interface PlanRequest {
  readonly sql: string;
  readonly parameters: ParameterValues;
  readonly parameterTypes: readonly (DataType | undefined)[];
  readonly settings: PlanSettings;
}

interface Caches {
  readonly byText: LruCache<Plan>;
  readonly byMeaning: LruCache<Plan>;
}

const maxCachedCharacters = 32 * 1024 * 1024;

/**
 * From text to plan. Plans belong to one snapshot of the catalog, so catalog and policy revision are part of
 * every key by construction: caches are per snapshot and go with it. Within it a plan is found by its exact text, else by
 * the whole bound statement; constants stay in the key, because they decide types, matching and pruning.
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
  plan(
    request: PlanRequest,
    snapshot: CatalogSnapshot,
  ): { readonly plan: Plan; readonly cached: boolean } {
    const caches = this.#cachesOf(snapshot);
    const settingsKey = keyOfSettings(request);
    const textKey = `${settingsKey}\u0000${request.sql}`;
    const known = caches.byText.get(textKey);
    if (known !== undefined) return { plan: known, cached: true };
    const parsed = inSpan('parse', {}, () => parse(request.sql));
    const { settings, asked } = this.#bindSettings(request);
    const statement = inSpan('bind', {}, () => bind(parsed, snapshot.tables, settings));
    const key = `${settingsKey}\u0000${parsed.explain}\u0000${queryKey(statement)}`;
    const found = caches.byMeaning.get(key);
    const plan = found ?? makePlan(statement, parsed.explain, request, snapshot);
    if (found === undefined) caches.byMeaning.set(key, plan, key.length);
    // A text that means another thing tomorrow is looked at anew.
    if (!asked()) caches.byText.set(textKey, plan, textKey.length);
    return { plan, cached: found !== undefined };
  }

  statistics(snapshot: CatalogSnapshot) {
    const { byText, byMeaning } = this.#cachesOf(snapshot);
    return { byText: byText.statistics(), byMeaning: byMeaning.statistics() };
  }

  #cachesOf(snapshot: CatalogSnapshot): Caches {
    const known = this.#caches.get(snapshot);
    if (known !== undefined) return known;
    const limits = { maxEntries: this.#maxPlans, maxWeight: maxCachedCharacters };
    const made = { byText: new LruCache<Plan>(limits), byMeaning: new LruCache<Plan>(limits) };
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

/** Values count too: matching proves time ranges by them. */
function keyOfSettings({ settings, parameters, parameterTypes }: PlanRequest): string {
  const { timeZone, useCuboids } = settings;
  if (parameters.length === 0) return `${timeZone}\u0000${useCuboids}`;
  const values = JSON.stringify([parameters, parameterTypes], (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
  return `${timeZone}\u0000${useCuboids}\u0000${values}`;
}

function makePlan(
  statement: Statement,
  explain: boolean,
  request: PlanRequest,
  snapshot: CatalogSnapshot,
): Plan {
  const { settings } = request;
  const parameters = typedValues(request, statement.parameterTypes);
  const options = { cuboids: settings.useCuboids, parameters, timeZone: settings.timeZone };
  const matched = inSpan('match', {}, () => matchStatement(statement, snapshot.models, options));
  const tables = sourceTablesOf(matched);
  const refusal = refusalOf(matched) ?? closedTable(tables, snapshot);
  const compiled = isSmall(matched) ? compileResidual(matched.residual) : undefined;
  return {
    explain,
    schema: statement.schema,
    parameters,
    residual: matched.residual,
    ...(compiled === undefined ? {} : { compiled }),
    blocks: matched.blocks,
    explanations: matched.explanations,
    kind: kindOf(matched, tables),
    sourceTables: tables,
    coverage: matched.blocks.map(({ coverage }) => coverage),
    ...(refusal === undefined ? {} : { refusal }),
    shape: {
      sql: withoutConstants(request.sql),
      blocks: blocksOfLog(
        matched,
        snapshot.models.map(({ model }) => model),
      ),
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
  const tables = queries.flatMap(neededTables).map(({ relation }) => tableKey(relation.table));
  return [...new Set(tables)].sort();
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
