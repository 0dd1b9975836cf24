import type { PlanKind } from '@tessera/client';

/**
 * What was asked lately and in which shapes: bounded, in memory, for operators and for the planner of cuboids.
 */
export interface LoggedQuery {
  readonly id: string;
  readonly project: string;
  readonly sql: string;
  readonly startedAt: bigint;
  readonly durationMicros: bigint;
  readonly rowCount: bigint;
  /** Absent: it failed. */
  readonly planKind?: PlanKind;
  readonly reason?: string;
}

/** What one query block needs of a model. */
export interface BlockOfLog {
  readonly model: string;
  /** Names of dimensions that it groups or filters by. */
  readonly dimensions: readonly string[];
  /** Names of measures. */
  readonly measures: readonly string[];
  /** Empty: no cuboid answered it. */
  readonly layout: string;
}

/** Statements that are equal but for their constants. */
export interface ShapeStatistics {
  readonly project: string;
  /** Their text, with `?` for constants. */
  readonly sql: string;
  readonly blocks: readonly BlockOfLog[];
  planKind: PlanKind;
  count: bigint;
  totalMicros: bigint;
  totalRows: bigint;
  lastAt: bigint;
}

const maxSqlCharacters = 4_096;

export class QueryLog {
  readonly #recent: LoggedQuery[] = [];
  readonly #shapes = new Map<string, ShapeStatistics>();
  readonly #maxEntries: number;
  /** Since when is counted, microseconds. */
  readonly startedAt: bigint;

  constructor(maxEntries: number, startedAt: bigint) {
    this.#maxEntries = maxEntries;
    this.startedAt = startedAt;
  }

  /** `shape` is absent when the statement did not come as far as a plan. */
  record(
    query: LoggedQuery,
    shape?: { readonly sql: string; readonly blocks: readonly BlockOfLog[] },
  ): void {
    const logged = { ...query, sql: query.sql.slice(0, maxSqlCharacters) };
    this.#recent.push(logged);
    if (this.#recent.length > this.#maxEntries) this.#recent.shift();
    if (shape !== undefined && query.planKind !== undefined) {
      this.#count(logged, query.planKind, shape);
    }
  }

  recent(): readonly LoggedQuery[] {
    return this.#recent;
  }

  /** The most frequent first. */
  shapes(project: string): readonly ShapeStatistics[] {
    return [...this.#shapes.values()]
      .filter((shape) => shape.project === project)
      .sort((a, b) => (a.count === b.count ? 0 : a.count < b.count ? 1 : -1));
  }

  #count(
    query: LoggedQuery,
    planKind: PlanKind,
    shape: { readonly sql: string; readonly blocks: readonly BlockOfLog[] },
  ): void {
    const key = `${query.project}\u0000${shape.sql}`;
    const known = this.#shapes.get(key) ?? {
      project: query.project,
      sql: shape.sql.slice(0, maxSqlCharacters),
      blocks: shape.blocks,
      planKind,
      count: 0n,
      totalMicros: 0n,
      totalRows: 0n,
      lastAt: 0n,
    };
    known.planKind = planKind;
    known.count++;
    known.totalMicros += query.durationMicros;
    known.totalRows += query.rowCount;
    known.lastAt = query.startedAt;
    this.#shapes.delete(key);
    this.#shapes.set(key, known);
    const oldest = this.#shapes.keys().next().value;
    if (this.#shapes.size > this.#maxEntries && oldest !== undefined) this.#shapes.delete(oldest);
  }
}
