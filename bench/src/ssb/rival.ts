import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

const tables = ['customer', 'supplier', 'part', 'dates', 'lineorder'] as const;

/** DuckDB by itself on the same data: as tables in its memory, or as views of the Parquet files. */
export class DuckDbRival implements Disposable {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  static async open(directory: string, kind: 'table' | 'view'): Promise<DuckDbRival> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
    const connection = await instance.connect();
    for (const table of tables) {
      const file = table === 'lineorder' ? 'lineorder-*' : table;
      await connection.run(
        `create ${kind} ${table} as select * from read_parquet('${directory}/${file}.parquet')`,
      );
    }
    return new DuckDbRival(instance, connection);
  }

  /** Rows as text, values separated by `|`. */
  async rows(sql: string): Promise<string[]> {
    const result = await this.#connection.runAndReadAll(sql);
    return result.getRows().map((row) => row.map((value) => String(value ?? 'NULL')).join('|'));
  }

  /** Milliseconds. */
  async time(sql: string): Promise<number> {
    const startedMs = performance.now();
    await (await this.#connection.runAndReadAll(sql)).getRows();
    return performance.now() - startedMs;
  }

  [Symbol.dispose](): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}

/**
 * One pass over the facts, joined as the model joins them, that reads every column the cube keeps and adds the measures
 * up: the least that any engine has to do to build all cuboids.
 */
export const joinedPassSql = `select count(*), count(d_year), count(d_yearmonthnum), count(d_yearmonth), count(d_weeknuminyear),
  count(lo_discount), count(lo_quantity), count(p_mfgr), count(p_category), count(p_brand1), count(s_region), count(s_nation),
  count(s_city), count(c_region), count(c_nation), count(c_city), sum(lo_extendedprice * lo_discount), sum(lo_revenue),
  sum(lo_revenue - lo_supplycost)
from lineorder left join dates on lo_orderdate = d_datekey left join customer on lo_custkey = c_custkey
  left join supplier on lo_suppkey = s_suppkey left join part on lo_partkey = p_partkey`;

/** Bytes of all tables as CSV: values as text, one separator or line end each. */
export async function csvBytes(rival: DuckDbRival): Promise<number> {
  let total = 0;
  for (const table of tables) {
    const columns = (await rival.rows(`select column_name from (describe ${table})`)).map(
      (name) => `strlen("${name}"::varchar) + 1`,
    );
    total += Number((await rival.rows(`select sum(${columns.join(' + ')}) from ${table}`))[0]);
  }
  return total;
}
