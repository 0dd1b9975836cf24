import fc from 'fast-check';

/** Random SQL expressions over table `t` of `data.ts`, well typed, as text. */
type Text = fc.Arbitrary<string>;

const words = (text: string): Text => fc.constantFrom(...text.split(' '));

interface Kinds {
  readonly int: Text;
  readonly num: Text;
  readonly dbl: Text;
  readonly text: Text;
  readonly date: Text;
  readonly ts: Text;
  readonly bool: Text;
}

/** `template('$1 + $2', a, b)`: one text from a template and what fills it. */
function template(pattern: string, ...parts: Text[]): Text {
  return fc
    .tuple(...parts)
    .map((texts) => pattern.replace(/\$(\d)/g, (_, i: string) => texts[Number(i) - 1]!));
}

const leaves: Kinds = {
  int: fc.oneof(words('id s b'), words('0 1 2 3 -1 7 100')),
  num: fc.oneof(words('n m'), words('0.5 1.25 -3.0 0.001 12345.678 2.0')),
  dbl: fc.oneof(words('x r'), words('0.5::float8 3::float8 -1.5::float8')),
  text: fc.oneof(fc.constant('c'), fc.constantFrom("'abc'", "''", "'b'", "'zoë x'", "'A%'")),
  date: fc.oneof(fc.constant('d'), fc.constantFrom("date '2020-02-29'", "date '1999-01-01'")),
  ts: fc.oneof(fc.constant('ts'), fc.constantFrom("timestamp '2020-02-29 12:34:56.789'")),
  bool: fc.oneof(fc.constant('ok'), words('true false null::boolean')),
};

const intervals = fc.constantFrom(
  "interval '1 month'",
  "interval '-3 days'",
  "interval '1 year 2 months'",
  "interval '36:30:00'",
);
const fields = words('year quarter month week day');

/** Expressions of one more level over those given. */
function grown(k: Kinds): Kinds {
  const compare = words('= <> < <= > >=');
  const choice = (x: Text) => template('case when $1 then $2 else $3 end', k.bool, x, x);
  const shared = (x: Text): Text[] => [
    choice(x),
    template('coalesce($1, $2)', x, x),
    template('nullif($1, $2)', x, x),
    template('greatest($1, $2)', x, x),
  ];
  const exact = fc.oneof(k.int, k.num);
  return {
    int: fc.oneof(
      template('($1 $2 $3)', k.int, words('+ - / %'), k.int),
      template('abs($1)', k.int),
      template('(- $1)', k.int),
      template('$1::int', k.num),
      template('length($1)', k.text),
      template('strpos($1, $2)', k.text, k.text),
      template('($1 - $2)', k.date, k.date),
      template('extract($1 from $2)::int', fields, fc.oneof(k.date, k.ts)),
      ...shared(k.int),
    ),
    num: fc.oneof(
      template('($1 $2 $3)', k.num, words('+ -'), exact),
      template('($1 * $2)', exact, leaves.num),
      template('($1 / $2)', leaves.num, exact),
      template('($1 % $2)', k.num, leaves.num),
      template('round($1, $2)', k.num, words('0 1 2 3')),
      template('trunc($1, $2)', k.num, words('0 1 2')),
      template('abs($1)', k.num),
      template('floor($1)', k.num),
      template('ceil($1)', k.num),
      template('$1::numeric(14,3)', fc.oneof(k.num, k.int)),
      template('extract(second from $1)', k.ts),
      ...shared(k.num),
    ),
    dbl: fc.oneof(
      template('($1 $2 $3)', k.dbl, words('+ - *'), fc.oneof(k.dbl, exact)),
      template('($1 / $2)', k.dbl, leaves.dbl),
      template('$1::float8', exact),
      template('abs($1)', k.dbl),
      template('round($1)', k.dbl),
      choice(k.dbl),
    ),
    text: fc.oneof(
      template('($1 || $2)', k.text, fc.oneof(k.text, k.int)),
      template('$1($2)', words('upper lower reverse trim'), k.text),
      template('substring($1, $2, $3)', k.text, words('-1 0 1 2'), words('0 1 3')),
      template('left($1, $2)', k.text, words('-1 0 2')),
      template('right($1, $2)', k.text, words('-1 0 2')),
      template('replace($1, $2, $3)', k.text, fc.constantFrom("'a'", "'b'"), k.text),
      template('lpad($1, $2, $3)', k.text, words('0 2 7'), fc.constantFrom("'*'", "'ab'")),
      template('split_part($1, $2, 1)', k.text, fc.constantFrom("'b'", "' '")),
      template('$1::text', fc.oneof(k.int, k.date, k.bool, k.ts)),
      ...shared(k.text),
    ),
    date: fc.oneof(
      template('($1 + $2)', k.date, words('0 1 30 -365')),
      template('($1 $2 $3)::date', fc.oneof(k.date, k.ts), words('+ -'), intervals),
      template('$1::date', k.ts),
      ...shared(k.date),
    ),
    ts: fc.oneof(
      template('($1 $2 $3)', fc.oneof(k.date, k.ts), words('+ -'), intervals),
      template("date_trunc('$1', $2)", fields, k.ts),
      template('$1::timestamp', k.date),
      ...shared(k.ts),
    ),
    bool: fc.oneof(
      template('($1 $2 $3)', k.int, compare, fc.oneof(k.int, k.num)),
      template('($1 $2 $3)', k.num, compare, exact),
      template('($1 $2 $3)', k.text, compare, k.text),
      template('($1 $2 $3)', k.date, compare, fc.oneof(k.date, k.ts)),
      template('($1 $2 $3)', k.bool, words('and or'), k.bool),
      template('(not $1)', k.bool),
      template('($1 is $2 null)', fc.oneof(k.int, k.text, k.date), fc.constantFrom('', 'not')),
      template('($1 is $2 true)', k.bool, fc.constantFrom('', 'not')),
      template('($1 in ($2, $3, null))', k.int, k.int, k.int),
      template('($1 between $2 and $3)', k.num, k.num, exact),
      template('($1 is distinct from $2)', k.int, k.int),
      template('($1 like $2)', k.text, fc.constantFrom("'%b%'", "'a_c'", "'x\\%y'", "'%'")),
    ),
  };
}

const once = grown(leaves);
const twice = grown(mixed(leaves, once));

function mixed(a: Kinds, b: Kinds): Kinds {
  const both = (kind: keyof Kinds): Text => fc.oneof(a[kind], b[kind]);
  return {
    int: both('int'),
    num: both('num'),
    dbl: both('dbl'),
    text: both('text'),
    date: both('date'),
    ts: both('ts'),
    bool: both('bool'),
  };
}

export const randomExpression: Text = fc.oneof(...(Object.values(mixed(once, twice)) as Text[]));

const aggregates: Text = fc.oneof(
  fc.constant('count(*)'),
  template('$1($2)', words('sum avg min max stddev var_pop count'), fc.oneof(once.int, leaves.num)),
  template('$1(distinct $2)', words('count sum avg'), fc.oneof(leaves.int, leaves.num)),
  template('$1($2)', words('min max'), fc.oneof(once.text, once.date, once.ts)),
  template('sum($1) filter (where $2)', leaves.num, once.bool),
  template('sum($1) / count(*)', leaves.int),
);

/** A random grouped statement. */
export const randomAggregation: Text = template(
  'select $1, $2, $3 from t where $4 group by 1',
  fc.oneof(once.int, once.text, once.bool, once.date, leaves.int, leaves.text),
  aggregates,
  aggregates,
  fc.oneof(fc.constant('true'), once.bool),
);

export const randomSelect: Text = randomExpression.map(
  (e) => `select ${e} as v, id from t order by id`,
);
