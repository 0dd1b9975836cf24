import type { CallExpr, Expr } from '@tessera/sql';
import { textTooLong } from './errors.ts';

/**
 * Characters of a text that constants ask for at most: DuckDB makes it in half a second or so, and heeds neither
 * interrupts nor its memory limit while it does. PostgreSQL's own bound is 2^28 in UTF-8.
 */
const longestText = 2 ** 24;

/** @throws TEXT_TOO_LONG when the constants of the call alone make its text longer than is bearable. */
export function checkTextLength(call: CallExpr): void {
  const length = lengthOf(call) ?? 0;
  if (length > longestText) throw textTooLong(length, longestText);
}

/** Characters of a text by its constants, `undefined` when they say nothing. What is repeated counts as one or more. */
function lengthOf(expr: Expr): number | undefined {
  if (expr.kind === 'literal') return expr.value === null ? 0 : String(expr.value).length;
  if (expr.kind !== 'call') return undefined;
  const [first, second] = expr.args;
  switch (expr.fn) {
    case 'lpad':
    case 'rpad':
      return wholeOf(second);
    case 'repeat': {
      const times = wholeOf(second);
      return times === undefined ? undefined : times * (lengthOf(first!) ?? 1);
    }
    case '||':
    case 'concat':
    case 'concat_ws':
      return expr.args.reduce((sum, arg) => sum + (lengthOf(arg) ?? 0), 0);
    case 'lower':
    case 'upper':
    case 'reverse':
      return lengthOf(first!);
    default:
      return undefined;
  }
}

/** The value of an integer that consists of constants; 0 for what is negative as a length. */
function wholeOf(expr: Expr | undefined): number | undefined {
  const value = expr && constantOf(expr);
  return value === undefined ? undefined : Math.max(0, value);
}

function constantOf(expr: Expr): number | undefined {
  if (expr.kind === 'literal') return Number(expr.value ?? 0);
  if (expr.kind === 'cast') return constantOf(expr.arg);
  const combine = expr.kind === 'call' ? sums[expr.fn] : undefined;
  if (expr.kind !== 'call' || combine === undefined) return undefined;
  const [a, b] = expr.args.map(constantOf);
  return a === undefined || b === undefined ? undefined : combine(a, b);
}

const sums: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
};
