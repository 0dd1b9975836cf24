import type { Column, DataType } from '@tessera/columnar';
import { type DuckDb, printExpr, quoteName } from '@tessera/duckdb';
import type { Expr } from '@tessera/sql';

/** What an expression is computed over: columns of `size` rows, one per code. */
export interface CodeFrame {
  readonly columns: readonly Column[];
  readonly size: number;
  readonly resolve: (
    relation: string,
    name: string,
  ) => { readonly index: number; readonly type: DataType };
  readonly timeZone: string | undefined;
}

export type EvaluateInDatabase = (expr: Expr, frame: CodeFrame) => Promise<Column>;

const table = 'codes';

/** Computes what JavaScript does not know how to, with one statement over a table of the codes' values. */
export function evaluateInDatabase(database: DuckDb): EvaluateInDatabase {
  return async (expr, { columns, size, resolve, timeZone }) => {
    const sql = printExpr(expr, (relation, name) => quoteName(`c${resolve(relation, name).index}`));
    const schema = columns.map(({ type }, i) => ({ name: `c${i}`, type, nullable: true }));
    return database.session(async (connection) => {
      await connection.createTable(table, schema, [{ schema, rowCount: size, columns }]);
      try {
        const result = await connection.run(`SELECT ${sql} FROM ${table}`, [], {
          schema: [{ name: 'value', type: expr.type, nullable: true }],
          timeZone,
        });
        return result.columns[0]!;
      } finally {
        await connection.dropTable(table);
      }
    });
  };
}
