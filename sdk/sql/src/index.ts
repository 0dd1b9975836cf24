/** PostgreSQL's SELECT from text to a bound form: parse, bind, types, functions. Knows no model. */
export type * from './expression.ts';
export { exprKey, queryKey } from './key.ts';
export { isLiteral, lit } from './literal.ts';
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
