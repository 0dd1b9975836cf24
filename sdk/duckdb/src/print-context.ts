import type { Expr } from '@tessera/sql';
import { expressionTooComplex } from './errors.ts';

/** Prints subexpressions for those who print what is around them. */
export interface Printer {
  /** SQL of an expression, safe to stand anywhere. */
  print(expr: Expr): string;
  /** A lambda parameter's name that nothing around it uses. */
  fresh(): string;
}

/** DuckDB's planning time grows with the square of nested exact arithmetic: 0.2 s at this length of text. */
const longestNested = 32_768;

function bounded(text: string): string {
  if (text.length > longestNested) throw expressionTooComplex(longestNested);
  return text;
}

/** Longer texts are computed once and named, so that statements do not grow with each use. */
const longestRepeat = 60;

/**
 * `body` over names for the operands. DuckDB has no LET: a one-element list is mapped over, which evaluates each
 * operand once and keeps nested expressions linear in size.
 */
export function once(
  printer: Printer,
  operands: readonly string[],
  body: (...names: string[]) => string,
): string {
  if (operands.every((text) => text.length <= longestRepeat)) return body(...operands);
  const name = printer.fresh();
  const fields = operands.map((text, i) => `'v${i}': ${text}`).join(', ');
  const names = operands.map((_, i) => `${name}.v${i}`);
  return bounded(`list_transform([{${fields}}], lambda ${name}: ${body(...names)})[1]`);
}

/** A chain of computations, each over the record of the one before. */
export function chain(
  printer: Printer,
  start: Readonly<Record<string, string>>,
  steps: readonly ((record: string) => Readonly<Record<string, string>>)[],
  result: (record: string) => string,
): string {
  const record = (fields: Readonly<Record<string, string>>) =>
    `{${Object.entries(fields)
      .map(([name, text]) => `'${name}': ${text}`)
      .join(', ')}}`;
  let list = `[${record(start)}]`;
  for (const step of steps) {
    const name = printer.fresh();
    list = `list_transform(${list}, lambda ${name}: ${record(step(name))})`;
  }
  const name = printer.fresh();
  return bounded(`list_transform(${list}, lambda ${name}: ${result(name)})[1]`);
}
