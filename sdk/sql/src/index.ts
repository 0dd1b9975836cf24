/** PostgreSQL's SELECT from text to a bound form: parse, bind, types, functions. Knows no model. */
export { bind, bindExpression, type ExpressionTable } from './bind.ts';
export { bindLimits } from './bind-context.ts';
export { formatDate, formatTime, formatTimestamp } from './calendar.ts';
export { decimalText } from './coerce.ts';
export { expressionCompiler, type ResolveColumn } from './compile/evaluate.ts';
export { NotCompiled, notCompiled } from './compile/not-compiled.ts';
export {
  type Compare,
  type Compiler,
  compareOf,
  type Evaluate,
  type Frame,
} from './compile/operand.ts';
export { toCharPieces } from './date-functions.ts';
export type { Explain } from './explain-prefix.ts';
export type * from './expression.ts';
export { functionNames } from './functions.ts';
export { sqlLimits } from './guard.ts';
export { exprKey, queryKey } from './key.ts';
export { isLiteral, lit } from './literal.ts';
export { loadParser, type ParsedStatement, parse } from './parse.ts';
export { parseLiteral } from './parse-literal.ts';
export type * from './query.ts';
export {
  categoryOf,
  commonType,
  explicitlyCasts,
  implicitlyCasts,
  isExact,
  isInteger,
  isNumber,
  numericOf,
  sameType,
  scaleOf,
  type,
  typeName,
} from './types.ts';
export { selectBlocks, usedColumns } from './used-columns.ts';
export {
  and,
  call,
  childrenOf,
  collectAggregates,
  conjuncts,
  leavesOf,
  mapChildren,
  mapOrder,
  mapQuery,
  not,
  transformExpr,
  walkExpr,
  walkQuery,
} from './walk.ts';
