import { type Expr, type SelectBlock, walkExpr, walkQuery } from '@tessera/sql';
import type { ModelState } from '../matched.ts';

/**
 * How much matching may do for one statement, counted in expression nodes that are looked at: a process plans on one
 * thread, so a statement that would take seconds holds up all others. About a microsecond each. Deterministic, unlike a
 * clock: the same statement and models run out of it everywhere or nowhere.
 */
export const matchLimits = { work: 500_000 } as const;

/** Passes over a block for one assignment of its tables, measured in the visits that one layout takes. */
const needPasses = 4;
/** Constants are passed by: this many count as one node. */
const constantsPerNode = 16;
/** Checking a segment's statistics is this much cheaper than rewriting for a layout. */
const segmentsPerLayout = 4;

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
  return size * needPasses;
}

/** Planning it over all layouts and segments of a model. */
export function planWork(size: number, { cubes }: ModelState): number {
  const segments = cubes.reduce((sum, cube) => sum + cube.segments.length, 0);
  return size * (layoutsOf(cubes) + segments / segmentsPerLayout);
}

const layoutCounts = new WeakMap<ModelState['cubes'], number>();

function layoutsOf(cubes: ModelState['cubes']): number {
  const known = layoutCounts.get(cubes);
  if (known !== undefined) return known;
  const ids = cubes.map(
    ({ segments }) => new Set(segments.flatMap(({ layouts }) => layouts.map(({ id }) => id))).size,
  );
  const count = ids.reduce((sum, each) => sum + each, 0);
  layoutCounts.set(cubes, count);
  return count;
}
