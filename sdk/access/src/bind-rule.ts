import type { Field } from '@tessera/columnar';
import { bindExpression, type Expr, type TableDefinition, typeName } from '@tessera/sql';

/** SQL of policies over the columns of their table; `ColumnExpr.relation` is the table's name. */

/** Rows for which it is true are seen. @throws what binding throws, and when it is no condition */
export function bindRows(definition: TableDefinition, text: string): Expr {
  const expr = bindOver(definition, text);
  if (expr.type.kind !== 'boolean') throw new Error('it is no condition');
  return expr;
}

/** What stands for a masked column, in its type. @param mask absent: NULL @throws what binding throws */
export function bindMask(definition: TableDefinition, field: Field, mask = 'null'): Expr {
  // A line of its own: the mask may end in a comment.
  return bindOver(definition, `(${mask}\n)::${typeName(field.type)}`);
}

function bindOver({ name, columns }: TableDefinition, text: string): Expr {
  return bindExpression(text, [{ alias: name.table, columns }]);
}
