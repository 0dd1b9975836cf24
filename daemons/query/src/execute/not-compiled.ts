/** Thrown and caught inside this folder only: the expression or statement is for DuckDB. */
export class NotCompiled extends Error {}

export function notCompiled(what: string): never {
  throw new NotCompiled(what);
}
