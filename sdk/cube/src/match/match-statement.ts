import { Code, TesseraError } from '@tessera/base';
import {
  type AggregateExpr,
  type Expr,
  exprKey,
  leavesOf,
  mapQuery,
  type ParameterValues,
  type Query,
  type Relation,
  type SelectBlock,
  type Statement,
  transformExpr,
  usedColumns,
} from '@tessera/sql';
import type {
  BlockExplanation,
  MatchedBlock,
  MatchedStatement,
  ModelFix,
  ModelState,
  Reason,
} from '../matched.ts';
import type { Model } from '../model.ts';
import {
  type Attempt,
  type CuboidAttempt,
  candidatesOf,
  explanationOf,
  reasonOf,
  summaryOf,
} from './explain.ts';
import { hasSubquery, outerReferences, someExpr } from './expressions.ts';
import { fixFor } from './fix.ts';
import { flatten } from './flatten.ts';
import { expandGroupingSets } from './grouping-sets.ts';
import { fromSnapshots, type SnapshotPlan, type UsedColumns } from './lookup-snapshots.ts';
import { type BlockNeed, isNeed, needOf } from './need.ts';
import type { NotAnswered } from './need-ledger.ts';
import { type CubePlan, isPlan, planBlock, tablesOf } from './plan-block.ts';
import { type ReasonCode, reason } from './reasons.ts';
import { type NormalForm, normalForm, type StarMatch, sameTable, starMatches } from './star.ts';
import { matchLimits, needWork, planWork, sizeOf, WorkBudget } from './work-budget.ts';

export interface MatchOptions {
  /** `never`: everything from the source. `always`: what cuboids cannot answer is refused. */
  readonly cuboids: 'auto' | 'never' | 'always';
  /**
   * Values of $1, $2 …, where they are known. They are used to prove time ranges, so a plan that was made with them is
   * good for these values only.
   */
  readonly parameters?: ParameterValues;
  /** The session's zone. Default UTC. */
  readonly timeZone?: string;
  /** Nodes to look at before matching gives up with TOO_COMPLEX_TO_MATCH. Default `matchLimits.work`. */
  readonly work?: number;
}

/**
 * Replaces each query block of a statement that cuboids can answer by a select over their rows, bottom up, and says of
 * every block what was tried. Pure and deterministic: the same models and statement give the same plan everywhere.
 * A block that may not be answered has outcome `refused`: see `refusalOf`.
 */
export function matchStatement(
  statement: Statement,
  models: readonly ModelState[],
  options: MatchOptions,
): MatchedStatement {
  const matcher = new StatementMatcher(statement.query, models, options);
  const residual = matcher.query(statement.query);
  return { residual, blocks: matcher.blocks, explanations: matcher.explanations };
}

/** The error with which a statement must be refused, because a block of it is neither covered nor may be pushed down. */
export function refusalOf(matched: MatchedStatement): TesseraError | undefined {
  const refused = matched.explanations.find(({ outcome }) => outcome === 'refused');
  const why = refused?.reason;
  if (refused === undefined || why === undefined) return undefined;
  const help =
    refused.fix === undefined ? 'Allow push-down to answer it.' : refused.fix.description;
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: why.code,
    message: `Block ${refused.block} (${refused.summary}) cannot be answered from cuboids. ${why.message} ${help}`,
    metadata: { block: String(refused.block), missing: why.missing.join(', ') },
  });
}

const tooComplex: NotAnswered = {
  code: 'TOO_COMPLEX_TO_MATCH',
  missing: [],
  missingAggregates: [],
};

interface Answer {
  readonly plan: CubePlan;
  readonly residual: SelectBlock;
}

/** What came of one block: an answer from cuboids or snapshots, or a reason and perhaps a fix. */
interface Outcome {
  readonly answer?: Answer;
  readonly snapshots?: SnapshotPlan;
  readonly reason?: Reason;
  readonly attempts: readonly Attempt[];
  readonly fix?: ModelFix;
}

class StatementMatcher {
  readonly blocks: MatchedBlock[] = [];
  readonly explanations: BlockExplanation[] = [];
  readonly #models: readonly ModelState[];
  readonly #options: MatchOptions;
  readonly #budget: WorkBudget;
  readonly #query: Query;
  #used: UsedColumns | undefined;
  #relations = 0;

  constructor(query: Query, models: readonly ModelState[], options: MatchOptions) {
    this.#query = query;
    this.#models = models;
    this.#options = options;
    this.#budget = new WorkBudget(options.work ?? matchLimits.work);
  }

  query(query: Query): Query {
    switch (query.kind) {
      case 'select':
        return this.#block(query);
      case 'set':
        return { ...query, left: this.query(query.left), right: this.query(query.right) };
      case 'values':
        return mapQuery(query, (expr) => this.#subqueries(expr));
    }
  }

  #block(block: SelectBlock): SelectBlock {
    const flat = asGrouped(flatten(block));
    if (flat.groupingSets !== undefined) return this.#groupingSets(block, flat);
    const slot = this.#reserve();
    const outcome = this.#match(flat);
    this.#explain(slot, block, outcome);
    return this.#replaced(block, outcome);
  }

  /** What stands for the block in the residual; the relations in it are noted. */
  #replaced(block: SelectBlock, { answer, snapshots }: Outcome): SelectBlock {
    if (answer !== undefined) {
      this.blocks.push(...answer.plan.blocks);
      return this.#ownSubqueries(answer.residual);
    }
    if (snapshots === undefined) return this.#children(block);
    // The sets of one block share its relations.
    const known = new Set(this.blocks.map(({ relation }) => relation));
    this.blocks.push(...snapshots.blocks.filter(({ relation }) => !known.has(relation)));
    return this.#children(snapshots.residual);
  }

  /** Each set is matched by itself; when none matches, the block stays as it was written. */
  #groupingSets(block: SelectBlock, flat: SelectBlock): SelectBlock {
    const expanded = expandGroupingSets(flat, this.#nextRelation('sets'));
    const outcomes = expanded.blocks.map((set) => {
      const slot = this.#reserve();
      const outcome = this.#match(set);
      this.#explain(slot, set, outcome);
      return { set, outcome };
    });
    if (!outcomes.some(({ outcome }) => outcome.answer !== undefined)) {
      return this.#replaced(block, this.#matchSnapshots(flat, { attempts: [] }));
    }
    const parts = outcomes.map(({ set, outcome }) => this.#replaced(set, outcome));
    return this.#ownSubqueries(expanded.assemble(parts));
  }

  /** The place in `explanations` that keeps the order of the text. */
  #reserve(): number {
    this.explanations.push(explanationOf(0, '', 'source', [], undefined, undefined));
    return this.explanations.length - 1;
  }

  #nextRelation(prefix: string): string {
    this.#relations += 1;
    return `${prefix}_${this.#relations}`;
  }

  /** A block that stays: the queries in its FROM and its expressions are matched. */
  #children(block: SelectBlock): SelectBlock {
    return this.#ownSubqueries({ ...block, from: block.from.map((r) => this.#relation(r)) });
  }

  #relation(relation: Relation): Relation {
    if (relation.kind === 'query') return { ...relation, query: this.query(relation.query) };
    if (relation.kind !== 'join') return relation;
    const on = relation.on && this.#subqueries(relation.on);
    return {
      ...relation,
      left: this.#relation(relation.left),
      right: this.#relation(relation.right),
      ...(on === undefined ? {} : { on }),
    };
  }

  #ownSubqueries(block: SelectBlock): SelectBlock {
    const { from, ...rest } = block;
    return {
      ...(mapQuery({ ...rest, from: [] }, (e) => this.#subqueries(e)) as SelectBlock),
      from,
    };
  }

  #subqueries(expr: Expr): Expr {
    return transformExpr(expr, (inner) => {
      if (inner.kind !== 'subquery') return undefined;
      const test = inner.test && this.#subqueries(inner.test);
      return { ...inner, query: this.query(inner.query), ...(test === undefined ? {} : { test }) };
    });
  }

  #match(block: SelectBlock): Outcome {
    const outcome = this.#matchCuboids(block);
    return outcome.answer === undefined ? this.#matchSnapshots(block, outcome) : outcome;
  }

  /** The outcome for a block that no cuboid answers, when all it reads are lookups. */
  #matchSnapshots(block: SelectBlock, outcome: Outcome): Outcome {
    if (this.#options.cuboids === 'never') return outcome;
    this.#used ??= usedColumns(this.#query);
    const found = fromSnapshots(block, this.#models, this.#used);
    if (found === undefined) return outcome;
    const { attempts, taken, reason: why } = found;
    const tried = new Set(attempts.map(({ state }) => state));
    const others = outcome.attempts.filter(({ state }) => !tried.has(state));
    return {
      ...(taken === undefined ? { reason: why! } : { snapshots: taken }),
      attempts: [...attempts, ...others],
    };
  }

  #matchCuboids(block: SelectBlock): Outcome {
    const form = normalForm(block.from, block.where);
    const early = this.#earlyReason(block, form);
    if (early !== undefined) return { reason: reason(early), attempts: [] };
    const attempts: CuboidAttempt[] = [];
    const answers: Answer[] = [];
    const stars: { state: ModelState; match: StarMatch }[] = [];
    for (const state of this.#models) {
      const matches = starMatches(form!, state.model);
      if (typeof matches === 'string') attempts.push({ kind: 'star', state, code: matches });
      else {
        const found = this.#matchModel(block, state, matches);
        attempts.push(found.attempt);
        stars.push({ state, match: matches[0]! });
        if (found.answer !== undefined) answers.push(found.answer);
      }
    }
    const best = answers.reduce<Answer | undefined>(cheaper, undefined);
    if (best !== undefined) return { answer: best, attempts };
    return this.#unmatched(block, attempts, stars);
  }

  #earlyReason(block: SelectBlock, form: NormalForm | undefined): ReasonCode | undefined {
    if (this.#options.cuboids === 'never') return 'CUBOIDS_OFF';
    if (leavesOf(block.from).every(({ kind }) => kind !== 'table')) return 'NO_TABLES';
    if (outerReferences(block).size > 0) return 'CORRELATED';
    if (!block.aggregated) return 'NOT_AGGREGATED';
    return form === undefined ? 'JOIN_NOT_IN_MODEL' : undefined;
  }

  /** The best answer of a model over all assignments of its lookups, or the attempt that came closest. */
  #matchModel(
    block: SelectBlock,
    state: ModelState,
    matches: readonly StarMatch[],
  ): { readonly attempt: CuboidAttempt; readonly answer?: Answer } {
    let closest: CuboidAttempt | undefined;
    let best: { attempt: CuboidAttempt; answer: Answer } | undefined;
    const size = sizeOf(block);
    for (const match of matches) {
      for (const need of this.#needs(block, match, size)) {
        if (!isNeed(need)) {
          closest ??= { kind: 'need', state, need };
          continue;
        }
        if (!this.#budget.take(planWork(size, state))) {
          closest ??= { kind: 'need', state, need: tooComplex };
          continue;
        }
        const plan = planBlock(block, need, state, this.#mayPushDown(state));
        const attempt: CuboidAttempt = { kind: 'plan', state, plan };
        if (!isPlan(plan)) {
          if (closest?.kind !== 'plan') closest = attempt;
          continue;
        }
        const answer = { plan, residual: need.residual };
        if (best === undefined || cheaper(best.answer, answer) === answer)
          best = { attempt, answer };
      }
    }
    return best ?? { attempt: closest! };
  }

  /** Distinct counts are tried from bitmaps first, then by grouping; without one there is only one way. */
  #needs(block: SelectBlock, match: StarMatch, size: number): readonly (BlockNeed | NotAnswered)[] {
    const ways = countsDistinct(block) ? (['bits', 'group'] as const) : (['bits'] as const);
    return ways.map((distinct) => this.#affordable(block, match, distinct, size));
  }

  #affordable(
    block: SelectBlock,
    match: StarMatch,
    distinct: 'bits' | 'group',
    size: number,
  ): BlockNeed | NotAnswered {
    return this.#budget.take(needWork(size)) ? this.#need(block, match, distinct) : tooComplex;
  }

  #need(block: SelectBlock, match: StarMatch, distinct: 'bits' | 'group'): BlockNeed | NotAnswered {
    return needOf(block, match, {
      relation: this.#nextRelation('matched'),
      sessionZone: this.#options.timeZone ?? 'UTC',
      parameters: this.#options.parameters,
      distinct,
    });
  }

  #mayPushDown(state: ModelState): boolean {
    return state.pushDown && this.#options.cuboids === 'auto';
  }

  #unmatched(
    block: SelectBlock,
    attempts: readonly CuboidAttempt[],
    stars: readonly { state: ModelState; match: StarMatch }[],
  ): Outcome {
    const closest = attempts.toSorted((a, b) => closeness(b) - closeness(a)).at(0);
    const why = closest === undefined ? reason('FACT_NOT_IN_MODEL') : reasonOfAttempt(closest);
    const star = stars.find(({ state }) => state === closest?.state);
    const fix = star && fixable(closest) ? this.#fix(block, star) : undefined;
    return { reason: why, attempts, ...(fix === undefined ? {} : { fix }) };
  }

  #fix(
    block: SelectBlock,
    { state, match }: { readonly state: ModelState; readonly match: StarMatch },
  ): ModelFix | undefined {
    const segments = state.cubes.flatMap((cube) => cube.segments);
    const size = sizeOf(block);
    return fixFor(
      match.model,
      (model: Model) => this.#affordable(block, { ...match, model }, 'bits', size),
      (alias) => segments.some(({ unmatchedRows }) => unmatchedRows[alias] !== 0n),
    );
  }

  #explain(slot: number, block: SelectBlock, outcome: Outcome): void {
    const { answer, attempts, fix } = outcome;
    const candidates = attempts.flatMap((attempt) => candidatesOf(attempt, answer?.plan));
    const result = resultOf(outcome) ?? this.#withoutAnswer(block);
    this.explanations[slot] = explanationOf(
      slot + 1,
      summaryOf(block),
      result,
      candidates,
      outcome.reason,
      fix,
    );
  }

  /** Push-down is the answer, unless the query or a model of its tables rules it out. */
  #withoutAnswer(block: SelectBlock): BlockExplanation['outcome'] {
    const tables = tablesOf(block);
    const concerned = this.#models.filter(({ model }) =>
      [model.fact, ...model.lookups].some(({ table }) =>
        tables.some((used) => sameTable(used.table, table)),
      ),
    );
    const off = this.#options.cuboids === 'always' || concerned.some(({ pushDown }) => !pushDown);
    return concerned.length > 0 && off ? 'refused' : 'source';
  }
}

function resultOf({ answer, snapshots }: Outcome): BlockExplanation['outcome'] | undefined {
  if (answer !== undefined) return answer.plan.mixed ? 'mixed' : 'cuboid';
  return snapshots && 'snapshot';
}

function cheaper(a: Answer | undefined, b: Answer): Answer {
  if (a === undefined) return b;
  const order = Number(b.plan.mixed) - Number(a.plan.mixed) || b.plan.micros - a.plan.micros;
  return order < 0 ? b : a;
}

function closeness(attempt: CuboidAttempt): number {
  if (attempt.kind !== 'star') return attempt.kind === 'plan' ? 3 : 2;
  return attempt.code === 'FACT_NOT_IN_MODEL' ? 0 : 1;
}

function reasonOfAttempt(attempt: CuboidAttempt): Reason {
  if (attempt.kind === 'star') return reason(attempt.code);
  if (attempt.kind === 'need') return reasonOf(attempt.need);
  return reason(isPlan(attempt.plan) ? 'MORE_EXPENSIVE' : attempt.plan.code);
}

/** Codes that a change of model or cube can mend; the others want a build, a refresh or another query. */
const mendable: ReadonlySet<string> = new Set<ReasonCode>([
  ...(['NOT_IN_MODEL', 'NOT_IN_ANY_CUBOID', 'UNALIGNED_TIME_FILTER'] as const),
  ...(['MISSING_DIMENSION', 'MISSING_MEASURE', 'LOOKUP_UNMATCHED_ROWS', 'ZERO_SIGN'] as const),
]);

function fixable(attempt: CuboidAttempt | undefined): boolean {
  if (attempt === undefined || attempt.kind === 'star') return false;
  if (attempt.kind === 'need') return mendable.has(attempt.need.code);
  return !isPlan(attempt.plan) && mendable.has(attempt.plan.code);
}

function countsDistinct({ outputs, having, orderBy }: SelectBlock): boolean {
  const exprs = [
    ...outputs.map(({ expr }) => expr),
    ...(having === undefined ? [] : [having]),
    ...orderBy.map(({ expr }) => expr),
  ];
  return exprs.some((expr) =>
    someExpr(expr, (e) => e.kind === 'aggregate' && (e as AggregateExpr).distinct),
  );
}

/** SELECT DISTINCT over plain expressions is a GROUP BY of them. */
function asGrouped(block: SelectBlock): SelectBlock {
  if (block.aggregated || block.distinct !== true || block.from.length === 0) return block;
  const exprs = block.outputs.map(({ expr }) => expr);
  const plain = exprs.every(
    (expr) => !someExpr(expr, ({ kind }) => kind === 'window') && !hasSubquery(expr),
  );
  const keys = exprs.filter(({ kind }) => kind !== 'literal' && kind !== 'parameter');
  if (!plain || keys.length === 0) return block;
  const unique = [...new Map(keys.map((expr) => [exprKey(expr), expr])).values()];
  return { ...block, groupBy: unique, aggregated: true, distinct: false };
}
