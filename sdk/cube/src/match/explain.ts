import { leavesOf, type SelectBlock } from '@tessera/sql';
import type {
  BlockExplanation,
  CandidateExplanation,
  ModelFix,
  ModelState,
  Reason,
} from '../matched.ts';
import type { Model } from '../model.ts';
import type { CubeChoice } from './choose.ts';
import { type IndexedLayout, indexOf } from './cube-index.ts';
import { expressionText } from './expression-text.ts';
import {
  isSnapshotPlan,
  type SnapshotAttempt,
  type SnapshotPlan,
  type SnapshotTrial,
} from './lookup-snapshots.ts';
import type { NotAnswered } from './need-ledger.ts';
import { type CubePlan, type CubeRefusal, isPlan } from './plan-block.ts';
import { type ReasonCode, reason } from './reasons.ts';

/** What was tried of one model for one block, kept for EXPLAIN CUBOID. */
export type Attempt = CuboidAttempt | SnapshotAttempt;

export type CuboidAttempt =
  | { readonly kind: 'star'; readonly state: ModelState; readonly code: ReasonCode }
  | { readonly kind: 'need'; readonly state: ModelState; readonly need: NotAnswered }
  | {
      readonly kind: 'plan';
      readonly state: ModelState;
      readonly plan: CubePlan | CubeRefusal;
    };

/** A few words by which a person finds the block in the statement. */
export function summaryOf(block: SelectBlock): string {
  const tables = leavesOf(block.from).map((leaf) => ('alias' in leaf ? leaf.alias : leaf.id));
  const shown = block.outputs.slice(0, 6).map(({ name }) => name);
  const more = block.outputs.length > shown.length ? ', …' : '';
  const from = tables.length === 0 ? '' : ` from ${tables.join(', ')}`;
  return `select ${shown.join(', ')}${more}${from}`;
}

/**
 * Every candidate of an attempt: each layout or snapshot of each cube, or the model itself when it does not come to
 * those.
 */
export function candidatesOf(
  attempt: Attempt,
  chosen: CubePlan | undefined,
): CandidateExplanation[] {
  const { state } = attempt;
  const { model } = state;
  if (attempt.kind === 'star') return [modelCandidate(model, reason(attempt.code))];
  if (attempt.kind === 'need') return [modelCandidate(model, reasonOf(attempt.need))];
  if (state.cubes.length === 0) return [modelCandidate(model, reason('NO_READY_SEGMENT'))];
  if (attempt.kind === 'snapshot') {
    return attempt.trials.flatMap((trial) => snapshotCandidates(model, trial, attempt.taken));
  }
  return state.cubes.flatMap((cube) => {
    const choices = attempt.plan.choices.filter((choice) => choice.cube === cube);
    const counts = choices.some(({ distinct }) => distinct);
    const { rows, distinct } = indexOf(model, cube).layouts;
    const layouts = counts ? [...rows, ...distinct] : rows;
    if (layouts.length === 0) {
      return [{ ...modelCandidate(model, reason('NO_READY_SEGMENT')), cube: cube.name }];
    }
    const read = (chosen?.blocks ?? []).flatMap((block) =>
      block.cube === cube.name ? block.scans.map(({ layout }) => layout) : [],
    );
    return layouts.map((layout) =>
      layoutCandidate({ model, cube: cube.name }, layout, choices, attempt.plan, read),
    );
  });
}

export function reasonOf(need: NotAnswered): Reason {
  const columns = need.missing.map(({ missing }) => expressionText(missing) ?? missing.kind);
  const aggregates = need.missingAggregates.map(({ fn, args, distinct, filter }) => {
    const of = args.map((arg) => expressionText(arg) ?? arg.kind).join(', ') || '*';
    const rows =
      filter === undefined ? '' : ` filter (where ${expressionText(filter) ?? filter.kind})`;
    return `${fn}(${distinct ? 'distinct ' : ''}${of})${rows}`;
  });
  return reason(need.code, need.detail, [...new Set([...columns, ...aggregates])]);
}

function modelCandidate(model: Model, why: Reason): CandidateExplanation {
  return {
    model: model.name,
    dimensions: [],
    rowCount: 0n,
    sizeBytes: 0n,
    predictedMicros: 0,
    taken: false,
    reason: why,
  };
}

function snapshotCandidates(
  model: Model,
  trial: SnapshotTrial,
  chosen: SnapshotPlan | undefined,
): CandidateExplanation[] {
  const cube = trial.cube.name;
  if (!isSnapshotPlan(trial)) {
    return [{ ...modelCandidate(model, reason(trial.code, undefined, trial.missing)), cube }];
  }
  const taken = trial === chosen;
  return trial.blocks.map(({ snapshot }) => ({
    ...modelCandidate(model, reason(taken ? 'TAKEN' : 'SNAPSHOT_OLDER')),
    cube,
    layout: snapshot!.id,
    rowCount: snapshot!.rowCount,
    sizeBytes: snapshot!.sizeBytes,
    taken,
  }));
}

function layoutCandidate(
  { model, cube }: { readonly model: Model; readonly cube: string },
  { id, dimensions, rowCount, sizeBytes }: IndexedLayout,
  choices: readonly CubeChoice[],
  plan: CubePlan | CubeRefusal,
  read: readonly string[],
): CandidateExplanation {
  const taken = read.includes(id);
  const costs = choices.flatMap(({ costs: each }) => each.get(id) ?? []);
  return {
    model: model.name,
    cube,
    layout: id,
    dimensions,
    rowCount,
    sizeBytes,
    predictedMicros:
      Math.round(Math.min(...costs, Number.MAX_SAFE_INTEGER)) % Number.MAX_SAFE_INTEGER,
    taken,
    reason: taken ? reason('TAKEN') : whyNot(id, choices, plan),
  };
}

function whyNot(id: string, choices: readonly CubeChoice[], plan: CubePlan | CubeRefusal): Reason {
  const able = choices.some(({ costs }) => costs.has(id));
  const refusal = choices.flatMap(({ refusals }) => refusals.get(id) ?? []).at(0);
  if (!able && refusal !== undefined) return reason(refusal.code, undefined, refusal.missing);
  if (!isPlan(plan)) return reason(plan.code);
  return able ? reason('MORE_EXPENSIVE') : reason('MISSING_MEASURE');
}

/** The explanation of a block that was answered or not, from all that was tried. */
export function explanationOf(
  block: number,
  summary: string,
  outcome: BlockExplanation['outcome'],
  candidates: readonly CandidateExplanation[],
  why: Reason | undefined,
  fix: ModelFix | undefined,
): BlockExplanation {
  return {
    block,
    summary,
    outcome,
    ...(why === undefined ? {} : { reason: why }),
    candidates,
    ...(fix === undefined ? {} : { fix }),
  };
}

/** More models than these that have nothing to do with the block are only counted. */
const shownElsewhere = 3;

function isElsewhere({ reason: why }: CandidateExplanation): boolean {
  return why.code === 'FACT_NOT_IN_MODEL';
}

/** The table that EXPLAIN CUBOID prints. */
export function formatExplanation(explanations: readonly BlockExplanation[]): string {
  return explanations.map(formatBlock).join('\n\n');
}

function formatBlock({
  block,
  summary,
  outcome,
  reason: why,
  candidates,
  fix,
}: BlockExplanation): string {
  const lines = [`Block ${block}: ${summary}`, `  answered from: ${outcome}`];
  if (why !== undefined) lines.push(`  reason: ${why.code}: ${why.message}`);
  const elsewhere = candidates.filter(isElsewhere);
  const grouped = elsewhere.length > shownElsewhere ? elsewhere : [];
  const shown = candidates.filter((candidate) => !grouped.includes(candidate));
  if (shown.length > 0) {
    const rows = shown.map((candidate) => [
      candidate.taken ? '*' : '',
      [candidate.model, candidate.cube, candidate.layout].filter(Boolean).join(' / '),
      candidate.dimensions.join(', '),
      String(candidate.rowCount),
      String(candidate.sizeBytes),
      String(candidate.predictedMicros),
      candidate.reason.code,
      candidate.reason.missing.join(', '),
    ]);
    const head = ['', 'candidate', 'dimensions', 'rows', 'bytes', 'µs', 'reason', 'missing'];
    lines.push(...table([head, ...rows]).map((line) => `  ${line}`));
  }
  if (grouped.length > 0) {
    const and = shown.length > 0 ? '… and ' : '';
    lines.push(`  ${and}${grouped.length} models on other facts (FACT_NOT_IN_MODEL)`);
  }
  if (fix !== undefined) lines.push(`  fix: ${fix.description}`);
  return lines.join('\n');
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
}
