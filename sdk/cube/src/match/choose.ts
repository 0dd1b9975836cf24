import { exprKey } from '@tessera/sql';
import type { CubeState } from '../matched.ts';
import type { Layout, Segment } from '../segment.ts';
import { scanCosts } from '../statistics/scan-costs.ts';
import {
  type CubeIndex,
  type IndexedLayout,
  type IndexedSegment,
  indexOf,
  timesOf,
} from './cube-index.ts';
import {
  answerOf,
  isAnswer,
  type LayoutAnswer,
  type LayoutRefusal,
  type Situation,
  situationOf,
} from './layout-answer.ts';
import type { BlockNeed } from './need.ts';
import type { DistinctNeed } from './need-ledger.ts';
import type { ReasonCode } from './reasons.ts';
import { canPass, type HeldColumn, heldColumns, visitedShare } from './statistics.ts';
import { contains, overlap, type TimeSet } from './time-set.ts';

/** One segment read by one layout. */
export interface Choice {
  readonly segment: Segment;
  readonly layout: Layout;
  readonly answer: LayoutAnswer;
  readonly micros: number;
}

/** What a cube can give of a block's rows. */
export interface CubeChoice {
  readonly cube: CubeState;
  /** True when these are the layouts of a distinct count. */
  readonly distinct: boolean;
  readonly choices: readonly Choice[];
  /** Segments in the needed range that have no rows, or whose statistics prove that none passes. */
  readonly pruned: readonly string[];
  /** What usable segments hold, needed or not. */
  readonly covered: TimeSet;
  /** Why segments that would be needed are not usable. */
  readonly unusable: ReadonlyMap<string, ReasonCode>;
  /** Per layout id: why it cannot answer, where it cannot. */
  readonly refusals: ReadonlyMap<string, LayoutRefusal>;
  /** Per layout id that can answer: the predicted cost of all segments that have it. */
  readonly costs: ReadonlyMap<string, number>;
  readonly micros: number;
  /** How to read nothing, for when no segment has to be read. */
  readonly empty: Choice | undefined;
}

const { scanMicros, rowMicros, byteMicros, joinMicros } = scanCosts;

/** Chooses a layout for each segment the block needs; equal costs are decided by layout id, the same everywhere. */
export function chooseLayouts(
  need: BlockNeed,
  cube: CubeState,
  distinct?: DistinctNeed,
): CubeChoice {
  return new Chooser(need, cube, distinct).choose();
}

const plainSituation = situationOf(new Set(), []);

/** A segment that can be read, with every layout that gives its rows. */
interface Option {
  readonly indexed: IndexedSegment;
  readonly choices: readonly Choice[];
}

class Chooser {
  readonly #need: BlockNeed;
  readonly #cube: CubeState;
  readonly #distinct: DistinctNeed | undefined;
  readonly #index: CubeIndex;
  readonly #layouts: readonly IndexedLayout[];
  readonly #answers = new Map<string, Map<string, LayoutAnswer | LayoutRefusal>>();
  readonly #refusals = new Map<string, LayoutRefusal>();
  readonly #situations = new Map<Segment, Situation>();
  /** The situation of all segments, when nothing in the block tells them apart. */
  readonly #alike: Situation | undefined;
  readonly #costs = new Map<string, number>();
  readonly #held = new Map<LayoutAnswer, readonly HeldColumn[]>();

  constructor(need: BlockNeed, cube: CubeState, distinct: DistinctNeed | undefined) {
    this.#need = need;
    this.#cube = cube;
    this.#distinct = distinct;
    const told = need.mustMatch.length > 0 || need.conditions.some(({ bound }) => bound?.exact);
    this.#alike = told ? undefined : plainSituation;
    this.#index = indexOf(need.match.model, cube);
    this.#layouts = this.#index.layouts[distinct === undefined ? 'rows' : 'distinct'];
  }

  choose(): CubeChoice {
    const unusable = new Map<string, ReasonCode>();
    const { times } = this.#need;
    const needed = this.#index.segments.filter((each) => overlap(each.times, times));
    const fit = needed.filter(({ segment }) => {
      const code = this.#unfit(segment);
      if (code !== undefined) unusable.set(segment.id, code);
      return code === undefined;
    });
    const common = this.#commonSituation(fit);
    const options: Option[] = [];
    for (const indexed of fit) {
      const choices = this.#choicesOf(indexed, common);
      if (choices.length > 0) options.push({ indexed, choices });
      else unusable.set(indexed.segment.id, this.#whyNone(indexed.segment));
    }
    const chosen = this.#cheapest(options);
    const read: Choice[] = [];
    const pruned: string[] = [];
    for (const choice of chosen) {
      if (choice.layout.rowCount > 0n && canPassAll(choice.answer, choice.layout))
        read.push(choice);
      else pruned.push(choice.segment.id);
    }
    return {
      cube: this.#cube,
      distinct: this.#distinct !== undefined,
      choices: read,
      pruned,
      covered: timesOf(options.map(({ indexed }) => indexed)),
      unusable,
      refusals: this.#refusals,
      costs: this.#costs,
      micros: costOf(read),
      empty: chosen[0] ?? this.#anyChoice(common),
    };
  }

  #unfit(segment: Segment): ReasonCode | undefined {
    if (segment.state !== 'READY') return 'NO_READY_SEGMENT';
    if (this.#cube.stale.has(segment.id)) return 'STALE';
    const dropped = this.#need.mayNotDrop.some((alias) => segment.unmatchedRows[alias] !== 0n);
    return dropped ? 'LOOKUP_UNMATCHED_ROWS' : undefined;
  }

  /** The conditions that hold for all rows of a segment, and the lookups whose partners it lacks. */
  #situation({ segment, times }: IndexedSegment): Situation {
    const known = this.#alike ?? this.#situations.get(segment);
    if (known !== undefined) return known;
    const { conditions, mustMatch } = this.#need;
    const dropped = conditions.flatMap(({ bound }, i) =>
      bound?.exact && contains(bound.set, times) ? [i] : [],
    );
    const unmatched = mustMatch.filter((alias) => segment.unmatchedRows[alias] !== 0n);
    const situation = situationOf(new Set(dropped), unmatched);
    this.#situations.set(segment, situation);
    return situation;
  }

  /** What is right for every one of the segments: then they make one scan. */
  #commonSituation(segments: readonly IndexedSegment[]): Situation {
    if (this.#alike !== undefined) return this.#alike;
    const all = segments.map((each) => this.#situation(each));
    const [first, ...rest] = all;
    if (first === undefined) return plainSituation;
    return situationOf(
      rest.reduce((set, each) => set.intersection(each.dropped), first.dropped),
      [...new Set(all.flatMap(({ unmatched }) => unmatched))].sort(),
    );
  }

  #answer(id: string, layout: Layout, situation: Situation): LayoutAnswer | undefined {
    const ofLayout = this.#answers.get(id) ?? new Map<string, LayoutAnswer | LayoutRefusal>();
    this.#answers.set(id, ofLayout);
    const known = ofLayout.get(situation.key);
    if (known !== undefined) return isAnswer(known) ? known : undefined;
    const made = answerOf(this.#need, layout, situation, this.#distinct);
    ofLayout.set(situation.key, made);
    if (isAnswer(made)) return made;
    this.#refusals.set(id, made);
    return undefined;
  }

  /** With what holds for all segments where that works, else with what holds for this one. */
  #choicesOf(indexed: IndexedSegment, common: Situation): Choice[] {
    const { segment } = indexed;
    const own = this.#situation(indexed);
    const choices: Choice[] = [];
    for (const { id, inSegments } of this.#layouts) {
      const layout = inSegments.get(segment);
      if (layout === undefined) continue;
      const shared = this.#answer(id, layout, common);
      const answer = shared ?? (own.key === common.key ? undefined : this.#answer(id, layout, own));
      if (answer === undefined) continue;
      if (answer.lookups.some(({ alias }) => segment.snapshots[alias] === undefined)) continue;
      choices.push({ segment, layout, answer, micros: this.#micros(answer, layout) });
    }
    return choices;
  }

  #micros(answer: LayoutAnswer, layout: Layout): number {
    const held = this.#held.get(answer) ?? heldColumns(answer.filters, layout.sortColumns);
    this.#held.set(answer, held);
    return microsOf(answer, layout, visitedShare(held, layout));
  }

  /** One layout for all segments, or the cheapest for each: whatever costs less with the scans that it takes. */
  #cheapest(options: readonly Option[]): readonly Choice[] {
    const byLayout = new Map<string, Choice[]>();
    for (const { choices } of options) {
      for (const choice of choices) {
        const { id } = choice.layout;
        this.#costs.set(id, (this.#costs.get(id) ?? scanMicros) + choice.micros);
        const ofLayout = byLayout.get(id);
        if (ofLayout === undefined) byLayout.set(id, [choice]);
        else ofLayout.push(choice);
      }
    }
    const uniform = [...byLayout]
      .filter(([, choices]) => choices.length === options.length)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, choices]) => choices);
    const mixed = options.map(({ choices }) => choices.reduce(cheaper));
    const plans =
      this.#distinct === undefined || uniform.length === 0 ? [...uniform, mixed] : uniform;
    const costs = plans.map(costOf);
    return plans[costs.indexOf(Math.min(...costs))]!;
  }

  #whyNone(segment: Segment): ReasonCode {
    const codes = this.#layouts
      .filter(({ inSegments }) => inSegments.has(segment))
      .map(({ id }) => this.#refusals.get(id)?.code);
    const special = codes.find((code) => code !== undefined && !plainRefusals.has(code));
    return special ?? 'NOT_IN_ANY_CUBOID';
  }

  #anyChoice(common: Situation): Choice | undefined {
    for (const indexed of this.#index.segments) {
      if (this.#unfit(indexed.segment) !== undefined) continue;
      const [first] = this.#choicesOf(indexed, common);
      if (first !== undefined) return first;
    }
    return undefined;
  }
}

function cheaper(a: Choice, b: Choice): Choice {
  return b.micros < a.micros || (b.micros === a.micros && b.layout.id < a.layout.id) ? b : a;
}

const plainRefusals: ReadonlySet<ReasonCode> = new Set(['MISSING_DIMENSION', 'MISSING_MEASURE']);

function canPassAll({ filters }: LayoutAnswer, layout: Layout): boolean {
  return filters.every((filter) => canPass(filter, layout));
}

/** What tells the answers of scans apart; the same for all segments of an answer. */
const answerKeys = new WeakMap<LayoutAnswer, string>();

function answerKey(answer: LayoutAnswer): string {
  const known = answerKeys.get(answer);
  if (known !== undefined) return known;
  const joins = answer.lookups.map(({ alias, inner }) => `${alias}${inner ? '!' : ''}`);
  const key = JSON.stringify([answer.layout.id, answer.filters.map(exprKey), joins]);
  answerKeys.set(answer, key);
  return key;
}

/** Choices that one scan reads: same layout, same answer, same snapshots. */
export function scanKey({ answer, segment }: Choice): string {
  if (answer.lookups.length === 0) return answerKey(answer);
  const snapshots = answer.lookups.map(({ alias }) => segment.snapshots[alias]);
  return `${answerKey(answer)}${JSON.stringify(snapshots)}`;
}

function costOf(choices: readonly Choice[]): number {
  const micros = choices.reduce((sum, choice) => sum + choice.micros, 0);
  return scansOf(choices) * scanMicros + micros;
}

/** Keys are only made where the answers are several, or read snapshots: those of long lists take their time. */
function scansOf(choices: readonly Choice[]): number {
  const answers = new Set(choices.map(({ answer }) => answer));
  const told = answers.size < 2 && choices.every(({ answer }) => answer.lookups.length === 0);
  return told ? answers.size : new Set(choices.map(scanKey)).size;
}

/** Predicted from the share of rows that is visited, and from the columns that are read. */
function microsOf(answer: LayoutAnswer, layout: Layout, share: number): number {
  const rows = Number(layout.rowCount) * share;
  const read = answer.filters.length + answer.groupBy.length + answer.aggregates.length;
  const width = Math.min(1, read / Math.max(1, layout.columns.length));
  const bytes = Number(layout.sizeBytes) * share * width;
  return rows * (rowMicros + answer.lookups.length * joinMicros) + bytes * byteMicros;
}
