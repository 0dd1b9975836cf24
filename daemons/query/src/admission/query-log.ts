/** What was asked lately, and in which shapes: bounded, in memory, for operators and for the planner. */
export interface LoggedQuery {
  readonly id: string;
  readonly project: string;
  /** At most `maxSqlCharacters` of it. */
  readonly sql: string;
  readonly startedAt: bigint;
  readonly durationMicros: bigint;
  readonly rowCount: bigint;
  readonly outcome: 'cuboid' | 'mixed' | 'source' | 'failed';
  readonly reason?: string;
}

/** One way of asking a fact table: the same sets of dimensions and measures, whatever constants and order. */
export interface QueryShape {
  readonly fact: string;
  readonly groupBy: readonly string[];
  readonly filters: readonly string[];
  readonly measures: readonly string[];
}

export interface ShapeStatistics extends QueryShape {
  count: bigint;
  cuboidHits: bigint;
  totalMicros: bigint;
}

const maxSqlCharacters = 2_000;

export class QueryLog {
  readonly #ring: LoggedQuery[] = [];
  readonly #shapes = new Map<string, ShapeStatistics>();
  readonly #layoutHits = new Map<string, bigint>();
  readonly #maxQueries: number;
  readonly #maxShapes: number;

  constructor(limits: { readonly maxQueries: number; readonly maxShapes: number }) {
    this.#maxQueries = limits.maxQueries;
    this.#maxShapes = limits.maxShapes;
  }

  record(query: LoggedQuery, shapes: readonly QueryShape[], layouts: readonly string[]): void {
    this.#ring.push({ ...query, sql: query.sql.slice(0, maxSqlCharacters) });
    if (this.#ring.length > this.#maxQueries) this.#ring.shift();
    for (const shape of shapes) this.#count(shape, query);
    for (const layout of layouts) bump(this.#layoutHits, layout, this.#maxShapes);
  }

  recent(): readonly LoggedQuery[] {
    return this.#ring;
  }

  shapes(): readonly ShapeStatistics[] {
    return [...this.#shapes.values()].sort((a, b) => (a.count < b.count ? 1 : -1));
  }

  /** How often a layout of a cube answered, by `cube/layout`. */
  layoutHits(): ReadonlyMap<string, bigint> {
    return this.#layoutHits;
  }

  #count(shape: QueryShape, query: LoggedQuery): void {
    const key = JSON.stringify([shape.fact, shape.groupBy, shape.filters, shape.measures]);
    const known = this.#shapes.get(key) ?? { ...shape, count: 0n, cuboidHits: 0n, totalMicros: 0n };
    known.count++;
    known.totalMicros += query.durationMicros;
    if (query.outcome === 'cuboid') known.cuboidHits++;
    this.#shapes.delete(key);
    this.#shapes.set(key, known);
    dropOldest(this.#shapes, this.#maxShapes);
  }
}

function bump(counts: Map<string, bigint>, key: string, limit: number): void {
  const count = counts.get(key) ?? 0n;
  counts.delete(key);
  counts.set(key, count + 1n);
  dropOldest(counts, limit);
}

function dropOldest(map: Map<string, unknown>, limit: number): void {
  for (const key of map.keys()) {
    if (map.size <= limit) return;
    map.delete(key);
  }
}
