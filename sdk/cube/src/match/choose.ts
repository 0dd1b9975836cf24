import { exprKey } from '@tessera/sql';
import type { CubeState } from '../matched.ts';
import type { Layout, Segment } from '../segment.ts';
import {
  answerOf,
  isAnswer,
  isCurrent,
  type LayoutAnswer,
  type LayoutRefusal,
  type Situation,
  situationKey,
} from './layout-answer.ts';
import type { BlockNeed } from './need.ts';
import type { DistinctNeed } from './need-ledger.ts';
import type { ReasonCode } from './reasons.ts';
import { canPass, visitedShare } from './statistics.ts';
import { contains, intersect, isEmpty, setOfSegment, type TimeSet, union } from './time-set.ts';

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
  /** Segments in the needed range whose statistics prove that no row passes. */
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

/** Predicted costs in microseconds: what one scan costs at all, a row that is visited, and a byte that is read. */
const scanMicros = 60;
const rowMicros = 0.002;
const byteMicros = 0.0004;
const joinMicros = 0.01;

/** Chooses a layout for each segment the block needs; equal costs are decided by layout id, the same everywhere. */
export function chooseLayouts(
  need: BlockNeed,
  cube: CubeState,
  distinct?: DistinctNeed,
): CubeChoice {
  return new Chooser(need, cube, distinct).choose();
}

class Chooser {
  readonly #need: BlockNeed;
  readonly #cube: CubeState;
  readonly #distinct: DistinctNeed | undefined;
  readonly #answers = new Map<string, LayoutAnswer | LayoutRefusal>();
  readonly #refusals = new Map<string, LayoutRefusal>();
  readonly #costs = new Map<string, number>();
  readonly #situationKeys = new Map<Situation, string>();

  constructor(need: BlockNeed, cube: CubeState, distinct: DistinctNeed | undefined) {
    this.#need = need;
    this.#cube = cube;
    this.#distinct = distinct;
  }

  choose(): CubeChoice {
    const unusable = new Map<string, ReasonCode>();
    const needed = this.#cube.segments.filter(
      ({ range }) => !isEmpty(intersect(setOfSegment(range), this.#need.times)),
    );
    const fit = needed.filter((segment) => {
      const code = this.#unfit(segment);
      if (code !== undefined) unusable.set(segment.id, code);
      return code === undefined;
    });
    const common = this.#commonSituation(fit);
    const usable = fit.filter((segment) => {
      const any = this.#layouts(segment).some((l) => this.#best(segment, l, common) !== undefined);
      if (!any) unusable.set(segment.id, this.#whyNone(segment));
      return any;
    });
    const chosen = this.#cheapest(usable, common);
    const read = chosen.filter(({ answer, layout }) => canPassAll(answer, layout));
    return {
      cube: this.#cube,
      distinct: this.#distinct !== undefined,
      choices: read,
      pruned: chosen.filter((choice) => !read.includes(choice)).map(({ segment }) => segment.id),
      covered: usable.reduce<TimeSet>((set, { range }) => union(set, setOfSegment(range)), {
        ranges: [],
        nulls: false,
      }),
      unusable,
      refusals: this.#refusals,
      costs: this.#costs,
      micros: costOf(read),
      empty: chosen[0] ?? this.#anyChoice(common),
    };
  }

  #layouts(segment: Segment): readonly Layout[] {
    const kind = this.#distinct === undefined ? 'rows' : 'distinct';
    return segment.layouts.filter(
      (layout) => layout.kind === kind && isCurrent(this.#need.match.model, layout),
    );
  }

  #unfit(segment: Segment): ReasonCode | undefined {
    if (segment.state !== 'READY') return 'NO_READY_SEGMENT';
    if (this.#cube.stale.has(segment.id)) return 'STALE';
    const dropped = this.#need.mayNotDrop.some((alias) => segment.unmatchedRows[alias] !== 0n);
    return dropped ? 'LOOKUP_UNMATCHED_ROWS' : undefined;
  }

  /** The conditions that hold for all rows of a segment, and the lookups whose partners it lacks. */
  #situation(segment: Segment): Situation {
    const own = setOfSegment(segment.range);
    const dropped = this.#need.conditions.flatMap(({ bound }, i) =>
      bound?.exact && contains(bound.set, own) ? [i] : [],
    );
    const unmatched = this.#need.mustMatch.filter((alias) => segment.unmatchedRows[alias] !== 0n);
    return { dropped: new Set(dropped), unmatched };
  }

  /** What is right for every one of the segments: then they make one scan. */
  #commonSituation(segments: readonly Segment[]): Situation {
    const all = segments.map((segment) => this.#situation(segment));
    const [first, ...rest] = all;
    if (first === undefined) return { dropped: new Set(), unmatched: [] };
    return {
      dropped: rest.reduce((set, each) => set.intersection(each.dropped), first.dropped),
      unmatched: [...new Set(all.flatMap(({ unmatched }) => unmatched))].sort(),
    };
  }

  #keyOf(situation: Situation): string {
    const key = this.#situationKeys.get(situation) ?? situationKey(situation);
    this.#situationKeys.set(situation, key);
    return key;
  }

  #answer(layout: Layout, situation: Situation): LayoutAnswer | undefined {
    const key = `${layout.id}/${this.#keyOf(situation)}`;
    const known = this.#answers.get(key) ?? answerOf(this.#need, layout, situation, this.#distinct);
    this.#answers.set(key, known);
    if (isAnswer(known)) return known;
    this.#refusals.set(layout.id, known);
    return undefined;
  }

  /** With what holds for all segments where that works, else with what holds for this one. */
  #best(segment: Segment, layout: Layout, common: Situation): Choice | undefined {
    const answer = this.#answer(layout, common) ?? this.#answer(layout, this.#situation(segment));
    if (answer === undefined) return undefined;
    if (answer.lookups.some(({ alias }) => segment.snapshots[alias] === undefined))
      return undefined;
    return { segment, layout, answer, micros: microsOf(answer, layout) };
  }

  /** One layout for all segments, or the cheapest for each: whatever costs less with the scans that it takes. */
  #cheapest(segments: readonly Segment[], common: Situation): Choice[] {
    const options = segments.map((segment) =>
      this.#layouts(segment).flatMap((layout) => this.#best(segment, layout, common) ?? []),
    );
    for (const { layout, micros } of options.flat()) {
      this.#costs.set(layout.id, (this.#costs.get(layout.id) ?? scanMicros) + micros);
    }
    const ids = [...new Set(options.flatMap((each) => each.map(({ layout }) => layout.id)))].sort();
    const uniform = ids.flatMap((id) => {
      const choices = options.map((each) => each.find(({ layout }) => layout.id === id));
      return choices.every((choice) => choice !== undefined) ? [choices as Choice[]] : [];
    });
    const mixed = options.map((each) =>
      each.reduce((a, b) =>
        b.micros < a.micros || (b.micros === a.micros && b.layout.id < a.layout.id) ? b : a,
      ),
    );
    const plans =
      this.#distinct === undefined || uniform.length === 0 ? [...uniform, mixed] : uniform;
    return plans.reduce((a, b) => (costOf(b) < costOf(a) ? b : a), plans[0]!);
  }

  #whyNone(segment: Segment): ReasonCode {
    const codes = this.#layouts(segment).map(({ id }) => this.#refusals.get(id)?.code);
    const special = codes.find((code) => code !== undefined && !plainRefusals.has(code));
    return special ?? 'NOT_IN_ANY_CUBOID';
  }

  #anyChoice(common: Situation): Choice | undefined {
    const fit = this.#cube.segments.filter((segment) => this.#unfit(segment) === undefined);
    return fit
      .flatMap((segment) =>
        this.#layouts(segment).flatMap((layout) => this.#best(segment, layout, common) ?? []),
      )
      .at(0);
  }
}

const plainRefusals: ReadonlySet<ReasonCode> = new Set(['MISSING_DIMENSION', 'MISSING_MEASURE']);

function canPassAll({ filters }: LayoutAnswer, layout: Layout): boolean {
  return filters.every((filter) => canPass(filter, layout));
}

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
  const scans = new Set(choices.map(scanKey)).size;
  return scans * scanMicros + choices.reduce((sum, { micros }) => sum + micros, 0);
}

/** Predicted from what is visited after the sort order has cut the filter, and from the columns that are read. */
function microsOf(answer: LayoutAnswer, layout: Layout): number {
  const share = visitedShare(answer.filters, layout);
  const rows = Number(layout.rowCount) * share;
  const read = answer.filters.length + answer.groupBy.length + answer.aggregates.length;
  const width = Math.min(1, read / Math.max(1, layout.columns.length));
  const bytes = Number(layout.sizeBytes) * share * width;
  return rows * (rowMicros + answer.lookups.length * joinMicros) + bytes * byteMicros;
}
