/**
 * `.slt` files: SQL behaviour as data that anybody can add to. Records are separated by empty lines:
 *
 *     # A comment.
 *     parameter 2024-01-31            (any number: $1 first)
 *     query TB rowsort cuboid         (one letter per column; the order of rows; where they come from)
 *     SELECT channel, count(*) FROM sales GROUP BY channel
 *     ----
 *     web  30
 *     NULL  12
 *
 *     error DIVISION_BY_ZERO
 *     SELECT 1 / 0
 *
 * Values are separated by two spaces or more. NULL is a NULL; text that could be mistaken is written as a JSON string.
 */
export interface SltFile {
  readonly name: string;
  /** Everything in order, so that a file can be written again with new rows. */
  readonly items: readonly (SltQuery | SltError | SltComment)[];
}

export interface SltQuery {
  readonly kind: 'query';
  readonly line: number;
  readonly sql: string;
  readonly parameters: readonly string[];
  /** One letter per column: see `typeLetters`. */
  readonly types: string;
  readonly order: SltOrder;
  /** Where the rows must come from when cuboids may be used; absent: anywhere. */
  readonly plan?: SltPlan;
  readonly rows: readonly (readonly (string | null)[])[];
}

/** `nosort`: rows are given in the order that the query asks for. `rowsort`: in any. */
export type SltOrder = 'nosort' | 'rowsort';
export type SltPlan = 'cuboid' | 'mixed' | 'source' | 'constant';

export interface SltError {
  readonly kind: 'error';
  readonly line: number;
  readonly sql: string;
  readonly parameters: readonly string[];
  readonly reason: string;
}

export interface SltComment {
  readonly kind: 'comment';
  readonly text: string;
}

/** Letters of PostgreSQL's types. */
export const typeLetters: Readonly<Record<string, string>> = {
  smallint: 'S',
  integer: 'I',
  bigint: 'B',
  numeric: 'N',
  real: 'R',
  'double precision': 'F',
  text: 'T',
  boolean: 'O',
  date: 'D',
  'time without time zone': 'C',
  'timestamp without time zone': 'P',
  'timestamp with time zone': 'Z',
  interval: 'V',
};

const orders: readonly string[] = ['nosort', 'rowsort'] satisfies SltOrder[];
const plans: readonly string[] = ['cuboid', 'mixed', 'source', 'constant'] satisfies SltPlan[];

/** @throws with file and line when a record is not of the form above. */
export function parseSlt(text: string, name: string): SltFile {
  const items: SltFile['items'][number][] = [];
  let line = 1;
  for (const block of text.split(/\n(?:[ \t]*\n)+/)) {
    const lines = block.split('\n').filter((each) => each.trim() !== '');
    if (lines.length > 0) items.push(...parseRecord(lines, name, line));
    line += block.split('\n').length + 1;
  }
  return { name, items };
}

function parseRecord(lines: readonly string[], name: string, line: number): SltFile['items'] {
  const comments = lines.filter((each) => each.startsWith('#'));
  const text = comments.join('\n');
  const before: SltComment[] = comments.length === 0 ? [] : [{ kind: 'comment', text }];
  const rest = lines.slice(comments.length);
  if (rest.length === 0) return before;
  const parameters = rest
    .filter((each) => each.startsWith('parameter '))
    .map((each) => each.slice(10));
  const [head = '', ...body] = rest.slice(parameters.length);
  const [kind, ...words] = head.trim().split(/\s+/);
  const common = { line: line + comments.length + parameters.length, parameters };
  if (kind === 'error' && words.length === 1) {
    return [...before, { kind, ...common, reason: words[0]!, sql: body.join('\n') }];
  }
  const [types = '', order = '', plan] = words;
  const known = orders.includes(order) && (plan === undefined || plans.includes(plan));
  if (kind !== 'query' || !known) throw new Error(`${name}:${common.line}: ${head} is no record.`);
  const end = body.indexOf('----');
  const query: SltQuery = {
    kind,
    ...common,
    types,
    order: order as SltOrder,
    ...(plan === undefined ? {} : { plan: plan as SltPlan }),
    sql: body.slice(0, end < 0 ? undefined : end).join('\n'),
    rows: end < 0 ? [] : body.slice(end + 1).map(parseRow),
  };
  return [...before, query];
}

const rowValue = /(?:^| {2,})("(?:[^"\\]|\\.)*"(?= {2}|$)|(?:(?! {2}).)+)/g;

function parseRow(line: string): (string | null)[] {
  return [...line.matchAll(rowValue)].map(([, found]) => {
    const value = found!.trim();
    if (value === 'NULL') return null;
    return value.startsWith('"') ? (JSON.parse(value) as string) : value;
  });
}

/** The text of a file: parsing it gives the same again. */
export function printSlt({ items }: SltFile): string {
  const texts = items.map((item) => {
    if (item.kind === 'comment') return `${item.text}\n\n`;
    const parameters = item.parameters.map((value) => `parameter ${value}\n`).join('');
    if (item.kind === 'error') return `${parameters}error ${item.reason}\n${item.sql}\n\n`;
    const head = ['query', item.types, item.order, ...(item.plan ? [item.plan] : [])].join(' ');
    const rows = item.rows.map((row) => `${row.map(printValue).join('  ')}\n`).join('');
    return `${parameters}${head}\n${item.sql}\n----\n${rows}\n`;
  });
  return `${texts.join('').trimEnd()}\n`;
}

function printValue(value: string | null): string {
  if (value === null) return 'NULL';
  const plain = /^(?!NULL$|#|")\S+(?: \S+)*$/.test(value);
  return plain ? value : JSON.stringify(value);
}
