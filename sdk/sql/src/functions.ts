import type { DataType, TypeKind } from '@tessera/columnar';
import { resolveOverload, type Signature } from './overload.ts';
import { numericOf, scaleOf, type } from './types.ts';

/**
 * The functions and operators, with PostgreSQL's argument and result types. One line per overload:
 * name, argument types, result type. `...` repeats the last argument. Comparison operators, COALESCE, CASE, IN and the
 * like are not here: they work on what `commonType` finds.
 */
const shortNames: Readonly<Record<string, TypeKind>> = {
  i2: 'smallint',
  i4: 'integer',
  i8: 'bigint',
  num: 'numeric',
  f4: 'real',
  f8: 'double',
  text: 'text',
  bool: 'boolean',
  date: 'date',
  time: 'time',
  ts: 'timestamp',
  tz: 'timestamptz',
  iv: 'interval',
  bytes: 'bytes',
};

const integers = 'i2 i4 i8'.split(' ');
const numbers = 'i2 i4 i8 num f4 f8'.split(' ');

/** Arithmetic of integers gives the wider operand, real with double gives double. */
function arithmetic(name: string): string {
  const lines: string[] = [];
  integers.forEach((a, i) => {
    integers.forEach((b, j) => {
      lines.push(`${name} ${a} ${b} > ${integers[Math.max(i, j)]}`);
    });
  });
  return [
    ...lines,
    `${name} num num > num`,
    `${name} f4 f4 > f4`,
    `${name} f4 f8 > f8`,
    `${name} f8 f4 > f8`,
    `${name} f8 f8 > f8`,
  ].join('\n');
}

const each = (names: readonly string[], line: string) =>
  names.map((name) => line.replaceAll('T', name)).join('\n');

const operators = `
${['+', '-', '*', '/'].map(arithmetic).join('\n')}
${each(['i2', 'i4', 'i8', 'num'], '% T T > T')}
^ f8 f8 > f8
^ num num > num
${each(numbers, 'negate T > T')}
negate iv > iv
+ date i4 > date
+ i4 date > date
+ date time > ts
+ time date > ts
+ date iv > ts
+ iv date > ts
+ ts iv > ts
+ iv ts > ts
+ tz iv > tz
+ iv tz > tz
+ time iv > time
+ iv time > time
+ iv iv > iv
- date date > i4
- date i4 > date
- date iv > ts
- ts ts > iv
- tz tz > iv
- ts iv > ts
- tz iv > tz
- time iv > time
- time time > iv
- iv iv > iv
* iv f8 > iv
* f8 iv > iv
/ iv f8 > iv
|| text text > text
like text text > bool
like text text text > bool
ilike text text > bool
ilike text text text > bool
`;

const functions = `
${each(numbers, 'abs T > T')}
round num > num
round f8 > f8
round num i4 > num
trunc num > num
trunc f8 > f8
trunc num i4 > num
floor num > num
floor f8 > f8
ceil num > num
ceil f8 > f8
ceiling num > num
ceiling f8 > f8
sign num > num
sign f8 > f8
${each(['i2', 'i4', 'i8', 'num'], 'mod T T > T')}
div num num > num
power f8 f8 > f8
power num num > num
pow f8 f8 > f8
pow num num > num
sqrt f8 > f8
sqrt num > num
cbrt f8 > f8
exp f8 > f8
exp num > num
ln f8 > f8
ln num > num
log f8 > f8
log num > num
log10 f8 > f8
log10 num > num
degrees f8 > f8
radians f8 > f8
sin f8 > f8
cos f8 > f8
tan f8 > f8
asin f8 > f8
acos f8 > f8
atan f8 > f8
atan2 f8 f8 > f8
pi > f8
lower text > text
upper text > text
length text > i4
char_length text > i4
character_length text > i4
octet_length text > i4
substring text i4 > text
substring text i4 i4 > text
substr text i4 > text
substr text i4 i4 > text
btrim text > text
btrim text text > text
ltrim text > text
ltrim text text > text
rtrim text > text
rtrim text text > text
replace text text text > text
left text i4 > text
right text i4 > text
strpos text text > i4
position text text > i4
split_part text text i4 > text
reverse text > text
repeat text i4 > text
lpad text i4 > text
lpad text i4 text > text
rpad text i4 > text
rpad text i4 text > text
translate text text text > text
starts_with text text > bool
ascii text > i4
chr i4 > text
md5 text > text
extract text date > num
extract text time > num
extract text ts > num
extract text tz > num
extract text iv > num
date_part text date > f8
date_part text time > f8
date_part text ts > f8
date_part text tz > f8
date_part text iv > f8
date_trunc text ts > ts
date_trunc text tz > tz
date_trunc text iv > iv
make_date i4 i4 i4 > date
to_char ts text > text
to_char tz text > text
timezone text tz > ts
timezone text ts > tz
age ts ts > iv
age tz tz > iv
`;

const aggregates = `
count > i8
${each(['i2', 'i4'], 'sum T > i8')}
sum i8 > num
sum num > num
sum f4 > f4
sum f8 > f8
${each(['i2', 'i4', 'i8', 'num'], 'avg T > num')}
avg f4 > f8
avg f8 > f8
${each([...numbers, 'text', 'date', 'time', 'ts', 'tz', 'iv'], 'min T > T\nmax T > T')}
${['stddev', 'stddev_samp', 'stddev_pop', 'variance', 'var_samp', 'var_pop']
  .flatMap((fn) => [
    each(['i2', 'i4', 'i8', 'num'], `${fn} T > num`),
    each(['f4', 'f8'], `${fn} T > f8`),
  ])
  .join('\n')}
bool_and bool > bool
bool_or bool > bool
every bool > bool
${each(integers, 'bit_and T > T\nbit_or T > T\nbit_xor T > T')}
string_agg text text > text
corr f8 f8 > f8
covar_pop f8 f8 > f8
covar_samp f8 f8 > f8
`;

const windows = `
row_number > i8
rank > i8
dense_rank > i8
percent_rank > f8
cume_dist > f8
ntile i4 > i4
`;

function parseCatalogue(text: string): ReadonlyMap<string, readonly Signature[]> {
  const catalogue = new Map<string, Signature[]>();
  for (const line of text.split('\n').filter((l) => l.trim() !== '')) {
    const [head = '', result = ''] = line.split(' > ');
    const [name = '', ...args] = head.trim().split(' ');
    const signature = { args: args.map(kindOf), result: kindOf(result) };
    catalogue.set(name, [...(catalogue.get(name) ?? []), signature]);
  }
  return catalogue;
}

function kindOf(shortName: string): TypeKind {
  const kind = shortNames[shortName.trim()];
  if (kind === undefined) throw new Error(`Broken invariant: catalogue type ${shortName}`);
  return kind;
}

const scalarCatalogue = parseCatalogue(operators + functions);
const aggregateCatalogue = parseCatalogue(aggregates);
const windowCatalogue = parseCatalogue(windows);

/** Names that a function call may use, for hints. Operators are among them only by their signs. */
export const functionNames: readonly string[] = [
  ...parseCatalogue(functions).keys(),
  ...aggregateCatalogue.keys(),
  ...windowCatalogue.keys(),
  ...['coalesce', 'nullif', 'greatest', 'least', 'concat', 'concat_ws', 'now', 'grouping'],
  ...['lag', 'lead', 'first_value', 'last_value', 'nth_value', 'any_value'],
  ...['percentile_cont', 'percentile_disc'],
];

/** Aggregates of PostgreSQL that are not there: whoever writes one has not misspelled it. */
export const missingAggregates: ReadonlySet<string> = new Set([
  ...['array_agg', 'json_agg', 'jsonb_agg', 'json_object_agg', 'jsonb_object_agg', 'xmlagg'],
  ...['range_agg', 'range_intersect_agg', 'mode'],
  ...['regr_avgx', 'regr_avgy', 'regr_count', 'regr_intercept', 'regr_r2', 'regr_slope'],
  ...['regr_sxx', 'regr_sxy', 'regr_syy'],
]);

const synonyms: Readonly<Record<string, string>> = {
  ceiling: 'ceil',
  pow: 'power',
  char_length: 'length',
  character_length: 'length',
  substr: 'substring',
  position: 'strpos',
  mod: '%',
  log10: 'log',
  every: 'bool_and',
  variance: 'var_samp',
  stddev: 'stddev_samp',
};

/** One name per meaning, so that equal expressions get equal keys. */
export const canonicalName = (name: string): string => synonyms[name] ?? name;

export const isScalarFunction = (name: string): boolean => scalarCatalogue.has(name);
export const isAggregateFunction = (name: string): boolean => aggregateCatalogue.has(name);
export const isWindowFunction = (name: string): boolean => windowCatalogue.has(name);

export type Resolved =
  | { readonly args: readonly DataType[]; readonly result: DataType }
  | 'none'
  | 'ambiguous';

/** The overload PostgreSQL picks for these argument types, numeric scales followed through. */
export function resolveScalar(name: string, args: readonly DataType[]): Resolved {
  return withScales(name, args, resolveOverload(scalarCatalogue.get(name) ?? [], args));
}

export function resolveAggregate(name: string, args: readonly DataType[]): Resolved {
  return withScales(name, args, resolveOverload(aggregateCatalogue.get(name) ?? [], args));
}

export function resolveWindow(name: string, args: readonly DataType[]): Resolved {
  return withScales(name, args, resolveOverload(windowCatalogue.get(name) ?? [], args));
}

function withScales(
  name: string,
  given: readonly DataType[],
  found: Signature | 'none' | 'ambiguous',
): Resolved {
  if (typeof found === 'string') return found;
  const args = found.args.map((kind, i) => {
    if (kind !== 'numeric') return type[kind];
    return numericOf(given[i]!.kind === 'unknown' ? undefined : scaleOf(given[i]!));
  });
  const result =
    found.result === 'numeric' ? numericOf(resultScale(name, args)) : type[found.result];
  return { args, result };
}

/** Products keep at most this many digits after the point; beyond that they are unconstrained. */
const maxProductScale = 20;

/** Digits after the point of a numeric result where the argument types fix them. */
function resultScale(name: string, args: readonly DataType[]): number | undefined {
  const [a, b] = args.map(scaleOf);
  switch (name) {
    case '+':
    case '-':
    case '%':
    case 'mod':
      return a === undefined || b === undefined ? undefined : Math.max(a, b);
    case '*':
      return a === undefined || b === undefined || a + b > maxProductScale ? undefined : a + b;
    case 'negate':
    case 'abs':
    case 'sum':
    case 'min':
    case 'max':
      return a;
    case 'round':
    case 'trunc':
      return args.length === 1 ? 0 : undefined;
    case 'floor':
    case 'ceil':
    case 'ceiling':
    case 'sign':
    case 'div':
      return 0;
    case 'extract':
      return 6;
    default:
      return undefined;
  }
}
