import { type Expr, type SelectBlock, walkExpr, walkQuery } from '@tessera/sql';
import type { ModelState } from '../matched.ts';

/**
 * How much matching may do for one statement, counted in expression nodes that are looked at: a process plans on one
 * thread, so a statement that would take seconds holds up all others. About a microsecond each. Deterministic, unlike a
 * clock: the same statement and models run out of it everywhere or nowhere.
 */
export const matchLimits = { work: 250_000 } as const;

/** Passes over a block for one assignment of its tables, measured in the visits that one layout takes. */
const needPasses = 4;
/** Constants are passed by: this many count as one node. */
const constantsPerNode = 16;
/** Checking a segment's statistics is this much cheaper than rewriting for a layout. */
const segmentsPerLayout = 4;
/** Files whose costs are predicted in the time that a node takes. */
const filesPerNode = 2;
/** What a block takes however small it is, in nodes. */
const blockNodes = 120;

/** What is left of the work that one statement may cause. */
export class WorkBudget {
  #left: number;

  constructor(work: number) {
    this.#left = work;
  }

  /** False, now and for all larger amounts, when there is less left than that. */
  take(work: number): boolean {
    if (work > this.#left) return false;
    this.#left -= work;
    return true;
  }
}

/** Nodes of a block, also of the queries inside of it, constants for less. */
export function sizeOf(block: SelectBlock): number {
  let size = 0;
  const visit = (top: Expr): void =>
    walkExpr(
      top,
      ({ kind }) => {
        size += kind === 'literal' ? 1 / constantsPerNode : 1;
      },
      { queries: true },
    );
  walkQuery(block, visit);
  return size;
}

/** Finding out what a block of this size needs of a model, for one assignment of its tables. */
export function needWork(size: number): number {
  return size * needPasses + blockNodes;
}

/** Planning it over all layouts and segments of a model, and all files that there are of them. */
export function planWork(size: number, { cubes }: ModelState): number {
  const { layouts, segments, files } = countsOf(cubes);
  return size * (layouts + segments / segmentsPerLayout) + files / filesPerNode;
}

interface Counts {
  readonly layouts: number;
  readonly segments: number;
  readonly files: number;
}

const counted = new WeakMap<ModelState['cubes'], Counts>();

function countsOf(cubes: ModelState['cubes']): Counts {
  const known = counted.get(cubes);
  if (known !== undefined) return known;
  const counts = { layouts: 0, segments: 0, files: 0 };
  for (const { segments } of cubes) {
    const ids = new Set<string>();
    for (const { layouts } of segments) {
      for (const { id } of layouts) ids.add(id);
      counts.files += layouts.length;
    }
    counts.layouts += ids.size;
    counts.segments += segments.length;
  }
  counted.set(cubes, counts);
  return counts;
}
