import { Code, TesseraError } from '@tessera/base';

/** Where a fault is in the SQL text. All count from 1, in characters. */
export interface SqlPosition {
  readonly line: number;
  readonly column: number;
  readonly position: number;
}

interface Fault {
  readonly reason: string;
  readonly message: string;
  readonly at?: SqlPosition | undefined;
  readonly hint?: string | undefined;
  readonly code?: Code;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** One shape for all failures of this package: the message ends with the hint, the position is a violation of `sql`. */
function sqlError({ reason, message, at, hint, code, metadata }: Fault): TesseraError {
  const place = at === undefined ? '' : ` (line ${at.line}, column ${at.column})`;
  return new TesseraError({
    code: code ?? Code.INVALID_ARGUMENT,
    reason,
    message: `${message}${place}.${hint === undefined ? '' : ` ${hint}`}`,
    metadata: {
      ...metadata,
      ...(hint === undefined ? {} : { hint }),
      ...(at === undefined
        ? {}
        : { position: `${at.position}`, line: `${at.line}`, column: `${at.column}` }),
    },
    violations: [
      {
        field: 'sql',
        description: message,
        ...(at === undefined ? {} : { line: at.line, column: at.column }),
      },
    ],
  });
}

/** SQL_SYNTAX: PostgreSQL's grammar does not accept the text. */
export function sqlSyntax(message: string, at?: SqlPosition, hint?: string): TesseraError {
  return sqlError({ reason: 'SQL_SYNTAX', message: capitalised(message), at, hint });
}

/** SQL_TOO_LARGE: more text than a statement may have; refused before anything reads it. */
export function sqlTooLarge(sizeBytes: number, limitBytes: number): TesseraError {
  return sqlError({
    reason: 'SQL_TOO_LARGE',
    message: `The statement has ${sizeBytes} bytes; at most ${limitBytes} are accepted`,
    hint: 'Load long lists into a table and join it.',
    metadata: { sizeBytes: `${sizeBytes}`, limitBytes: `${limitBytes}` },
  });
}

/** SQL_TOO_COMPLEX: nested too deep or too many tokens; refused before parsing. */
export function sqlTooComplex(what: string, limit: number, at?: SqlPosition): TesseraError {
  return sqlError({
    reason: 'SQL_TOO_COMPLEX',
    message: `The statement has more than ${limit} ${what}`,
    at,
    hint: 'Split it, or use IN lists and subqueries instead of long chains.',
    metadata: { limit: `${limit}`, what },
  });
}

/** QUERY_TOO_COMPLEX: inlining CTEs made the bound form larger than the limit. */
export function queryTooComplex(limit: number): TesseraError {
  return sqlError({
    reason: 'QUERY_TOO_COMPLEX',
    message: `The statement grows beyond ${limit} nodes when its common table expressions are inlined`,
    hint: 'Refer to each WITH query fewer times.',
    metadata: { limit: `${limit}` },
  });
}

/** QUERY_TOO_COMPLEX: CUBE, ROLLUP and GROUPING SETS multiply out to more sets than the limit. */
export function tooManyGroupingSets(limit: number, at?: SqlPosition): TesseraError {
  return sqlError({
    reason: 'QUERY_TOO_COMPLEX',
    message: `GROUP BY makes more than ${limit} grouping sets`,
    at,
    hint: 'Name those that are needed in GROUPING SETS.',
    metadata: { limit: `${limit}` },
  });
}

/** NOT_A_QUERY: a statement that is not SELECT, VALUES or EXPLAIN [CUBOID] of one. */
export function notAQuery(statement: string): TesseraError {
  return sqlError({
    reason: 'NOT_A_QUERY',
    message: `${statement} is not a query`,
    hint: 'Tessera is read only: send one SELECT, VALUES or EXPLAIN CUBOID statement.',
    metadata: { statement },
  });
}

/** MULTIPLE_STATEMENTS: exactly one statement is taken at a time. */
export function multipleStatements(count: number): TesseraError {
  return sqlError({
    reason: 'MULTIPLE_STATEMENTS',
    message: `The text has ${count} statements`,
    hint: 'Send exactly one.',
    metadata: { count: `${count}` },
  });
}

/** UNSUPPORTED_SQL: valid PostgreSQL that Tessera does not run; `construct` names it. */
export function unsupportedSql(construct: string, at?: SqlPosition, hint?: string): TesseraError {
  return sqlError({
    reason: 'UNSUPPORTED_SQL',
    code: Code.UNIMPLEMENTED,
    message: `${construct} is not supported`,
    at,
    hint: hint ?? 'Rewrite the query without it.',
    metadata: { construct },
  });
}

type NameReason =
  | 'UNKNOWN_TABLE'
  | 'UNKNOWN_COLUMN'
  | 'UNKNOWN_FUNCTION'
  | 'UNKNOWN_TYPE'
  | 'UNKNOWN_WINDOW'
  | 'AMBIGUOUS_COLUMN'
  | 'AMBIGUOUS_TABLE'
  | 'AMBIGUOUS_FUNCTION'
  | 'DUPLICATE_ALIAS';

/** A name that means nothing, or more than one thing. `nearest` is what was probably meant. */
export function badName(
  reason: NameReason,
  message: string,
  at?: SqlPosition,
  nearest?: string,
): TesseraError {
  const hint = nearest === undefined ? undefined : `Did you mean ${nearest}?`;
  return sqlError({ reason, message, at, hint, code: nameCode(reason) });
}

type RuleReason =
  | 'TYPE_MISMATCH'
  | 'GROUPING_ERROR'
  | 'INVALID_LITERAL'
  | 'INVALID_REFERENCE'
  | 'NUMERIC_OVERFLOW'
  | 'DIVISION_BY_ZERO';

/** A statement that breaks one of PostgreSQL's rules. */
export function brokenRule(
  reason: RuleReason,
  message: string,
  at?: SqlPosition,
  hint?: string,
): TesseraError {
  return sqlError({ reason, message, at, hint });
}

function nameCode(reason: NameReason): Code {
  return reason === 'UNKNOWN_TABLE' ? Code.NOT_FOUND : Code.INVALID_ARGUMENT;
}

const capitalised = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** NUMERIC_OUT_OF_RANGE: a constant date or timestamp that the type cannot hold. */
export function datetimeOutOfRange(type: 'date' | 'timestamp', at?: SqlPosition): TesseraError {
  return sqlError({
    code: Code.OUT_OF_RANGE,
    reason: 'NUMERIC_OUT_OF_RANGE',
    message: `A ${type} is out of range`,
    at,
    hint: 'Add or subtract less.',
  });
}

export function divisionByZero(): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'DIVISION_BY_ZERO',
    message: 'Division by zero. Guard the divisor, for example with nullif(divisor, 0).',
  });
}
