import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Layout, Segment } from '@tessera/cube';

/** What tiles would take on the wire if they were sent to the query daemon instead of the plan to them. */
export class ShippedBytes {
  readonly #segments: readonly Segment[];
  readonly #directory: string;

  /** `directory`: a storage daemon's that has all files. */
  constructor(segments: readonly Segment[], directory: string) {
    this.#segments = segments;
    this.#directory = directory;
  }

  /**
   * Bytes of the columns of a layout that a statement names, and of one measure, in the narrowest arrays that hold
   * them: codes of dimensions, without their dictionaries, and numbers. Less than shipping would really take.
   */
  async of(sql: string, layout: string, segments: readonly string[]): Promise<number> {
    const read = this.#filesOf(layout, ({ id }) => segments.includes(id));
    const all = this.#filesOf(layout, () => true);
    const rows = read.reduce((sum, { rowCount }) => sum + Number(rowCount), 0);
    const { columns } = all[0]!;
    const named = columns
      .filter(({ name, role }) => role === 'dimension' && new RegExp(`\\b${name}\\b`).test(sql))
      .map(({ name }) => name);
    const measure = columns.find(({ role }) => role === 'measure')!.name;
    const files = all.map(({ file }) => `'${join(this.#directory, file)}'`).join(', ');
    const [largest, ...distinct] = await numbers(
      `select ${[`max(abs("${measure}"::double))`, ...named.map((name) => `count(distinct "${name}")`)].join(', ')} from read_parquet([${files}])`,
    );
    const measureWidth = largest! < 2 ** 31 ? 4 : 8;
    return rows * distinct.map(codeWidth).reduce((sum, width) => sum + width, measureWidth);
  }

  #filesOf(id: string, wanted: (segment: Segment) => boolean): readonly Layout[] {
    return this.#segments
      .filter(wanted)
      .flatMap(({ layouts }) => layouts.filter((each) => each.id === id && each.file !== ''));
  }
}

/** Bytes of a code of so many values and NULL. */
function codeWidth(values: number): number {
  if (values < 256) return 1;
  return values < 65_536 ? 2 : 4;
}

/** The one row of a query. */
async function numbers(sql: string): Promise<readonly number[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRows()[0]!.map(Number);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
