/** PostgreSQL's SELECT from text to a bound form: parse, bind, types, functions. Knows no model. */
export type * from './expression.ts';
export type * from './query.ts';
