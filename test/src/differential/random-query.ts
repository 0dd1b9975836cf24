import fc from 'fast-check';
import { lookups, type Pool, type QueryParts } from './query-parts.ts';

/** Random SELECTs: what models can answer, what they can in part, and what must be left to the source. */
type Text = fc.Arbitrary<string>;

interface Star {
  readonly from: string;
  readonly aliases: readonly string[];
}

/** The fact with some lookups, as users spell it: comma, JOIN, LEFT JOIN, in any order that names allow. */
const star = (parts: QueryParts): fc.Arbitrary<Star> =>
  fc
    .tuple(
      fc.uniqueArray(chosenFrom(parts.aliases), { maxLength: 4 }),
      fc.array(fc.nat(20), { minLength: 8, maxLength: 8 }),
    )
    .map(([chosen, random]) => {
      const odds = random[7]! % 3;
      const few = odds === 0 ? [] : odds === 1 ? chosen.slice(0, 1) : chosen;
      const aliases = Object.keys(lookups).filter(
        (alias) => few.includes(alias) || (alias === 'a1' && few.includes('b1')),
      );
      const comma = random[6]! < 2;
      if (comma && aliases.length > 0) {
        const list = aliases.map((alias) => `${lookups[alias]!.table} ${alias}`).join(', ');
        const on = aliases.map((alias) => lookups[alias]!.on).join(' and ');
        return { from: `from fact f, ${list} where ${on}`, aliases };
      }
      const joined = aliases.map((alias, i) => {
        const kind = random[i]! < 6 ? 'join' : random[i]! === 20 ? 'full join' : 'left join';
        const extra = random[i]! === 19 ? ` and f.b` : '';
        return ` ${kind} ${lookups[alias]!.table} ${alias} on ${lookups[alias]!.on}${extra}`;
      });
      return { from: `from fact f${joined.join('')} where true`, aliases };
    });

/** An aggregating block in parts, so that it shrinks part by part. */
interface Block {
  readonly star: Star;
  readonly keys: readonly string[];
  readonly outputs: readonly string[];
  readonly where: readonly string[];
  readonly having: string | undefined;
}

/** One text in so many is any, whether or not the model can answer it. */
const oneIn = 16;

const chosenFrom = ({ likely, any }: Pool): Text =>
  fc.oneof(
    { weight: oneIn - 1, arbitrary: fc.constantFrom(...likely) },
    { weight: 1, arbitrary: fc.constantFrom(...any) },
  );

function of(aliases: readonly string[], pools: Readonly<Record<string, Pool>>): Pool {
  const chosen = ['f', ...aliases].flatMap((alias) => pools[alias] ?? []);
  return {
    likely: chosen.flatMap(({ likely }) => likely),
    any: chosen.flatMap(({ any }) => any),
  };
}

function block(parts: QueryParts, maxKeys = 3): fc.Arbitrary<Block> {
  return star(parts).chain((chosen) =>
    fc
      .record({
        keys: fc.uniqueArray(chosenFrom(of(chosen.aliases, parts.keys)), {
          maxLength: maxKeys,
        }),
        outputs: fc.array(output(parts), { minLength: 1, maxLength: 4 }),
        where: fc.uniqueArray(chosenFrom(of(chosen.aliases, parts.conditions)), {
          maxLength: 2,
        }),
        having: fc.option(chosenFrom(parts.havings), { freq: 5, nil: undefined }),
      })
      .map((chosenParts) => ({ ...chosenParts, star: chosen })),
  );
}

function output(parts: QueryParts): Text {
  return fc
    .tuple(chosenFrom(parts.arithmetic), chosenFrom(parts.aggregates))
    .map(([pattern, aggregate]) => pattern.replace('$1', () => aggregate));
}

function selectOf(
  { star: { from }, keys: by, outputs, where, having }: Block,
  options: { readonly groupBy?: string; readonly extra?: readonly string[] } = {},
): string {
  const columns = [...by, ...outputs, ...(options.extra ?? [])].map(
    (text, i) => `${text} as c${i + 1}`,
  );
  const group =
    options.groupBy ?? (by.length === 0 ? '' : ` group by ${by.map((_, i) => i + 1).join(', ')}`);
  const conditionText = where.map((text) => ` and (${text})`).join('');
  return `select ${columns.join(', ')} ${from}${conditionText}${group}${having === undefined ? '' : ` having ${having}`}`;
}

const widthOf = ({ keys: by, outputs }: Block) => by.length + outputs.length;
const allColumns = (width: number) =>
  Array.from({ length: width }, (_, i) => `${i + 1}`).join(', ');

/** Ordered by everything, so that LIMIT has no ties to choose from; only where the order cannot hang on a float. */
const limited = (parts: QueryParts): Text =>
  fc
    .tuple(
      block(parts),
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 0, max: 3 }),
      fc.boolean(),
    )
    .map(([b, limit, offset, down]) => {
      const order = allColumns(widthOf(b)).replace('1', down ? '1 desc' : '1 nulls first');
      const floats = b.outputs.some((text) => /f\.mf|sqrt|float8/.test(text));
      return floats
        ? selectOf(b)
        : `${selectOf(b)} order by ${order} limit ${limit} offset ${offset}`;
    });

const groupingSets = (parts: QueryParts): Text =>
  fc.tuple(block(parts), fc.constantFrom('rollup', 'cube', 'grouping sets')).map(([b, word]) => {
    // Positions and expressions both may stand in a set; a constant may not.
    const by = b.keys.filter((key) => !key.startsWith("'")).slice(0, word === 'cube' ? 2 : 3);
    if (by.length === 0) return selectOf({ ...b, keys: [] });
    const sets =
      word === 'grouping sets'
        ? `(${by.map((key) => `(${key})`).join(', ')}, ())`
        : `(${by.join(', ')})`;
    return selectOf(
      { ...b, keys: by },
      { groupBy: ` group by ${word} ${sets}`, extra: [`grouping(${by[0]})`] },
    );
  });

const nested = (parts: QueryParts): Text =>
  fc
    .tuple(
      block(parts, 2),
      fc.constantFrom('sum', 'max', 'count', 'avg'),
      fc.constantFrom('subquery', 'cte', 'window', 'scalar', 'distinct'),
    )
    .map(([b, fn, form]) => {
      const exact: Block = { ...b, outputs: ['count(*)', ...b.outputs.slice(0, 1)] };
      const inner = selectOf(exact);
      const last = widthOf(exact);
      const first = exact.keys.length > 0 ? 'c1' : 'null';
      const count = `c${exact.keys.length + 1}`;
      switch (form) {
        case 'subquery':
          return `select ${first} as k, ${fn}(${count}), count(c${last}) from (${inner}) q group by 1`;
        case 'cte':
          return `with q as (${inner}) select ${fn}(${count}), (select count(*) from q) from q where ${count} > 1`;
        case 'window':
          return `select ${first}, ${count}, sum(${count}) over (), rank() over (order by ${count}) from (${inner}) q`;
        case 'scalar':
          return `select q.*, (select count(*) from fact where b) from (${inner}) q`;
        default:
          return `select distinct ${first}, ${count} > 2 from (${inner}) q`;
      }
    });

const windows = (parts: QueryParts): Text =>
  fc
    .tuple(
      block(parts, 2),
      fc.constantFrom(
        'rank() over (order by count(*))',
        'sum(count(*)) over ()',
        'max(sum(f.mi)) over ()',
        'count(*) * 100 / sum(count(*)) over ()',
      ),
    )
    .map(([b, over]) => selectOf({ ...b, outputs: b.outputs.slice(0, 2) }, { extra: [over] }));

const unions = (parts: QueryParts): Text =>
  fc
    .tuple(
      block(parts, 1),
      block(parts, 1),
      fc.constantFrom('union all', 'union', 'except', 'intersect', 'except all'),
    )
    .map(([a, b, word]) => {
      const one = (each: Block, key: string) =>
        selectOf({ ...each, keys: [key], outputs: ['count(*)', 'sum(f.mi)'] });
      return `${one(a, 'f.txt')} ${word} ${one(b, 'f.code')}`;
    });

/** Two blocks joined, and blocks over a subselect that only projects. */
const composed = (parts: QueryParts): Text =>
  fc
    .tuple(block(parts, 1), block(parts, 1), fc.constantFrom('join', 'left join', 'project'))
    .map(([a, b, form]) => {
      const of1 = (each: Block) =>
        selectOf({ ...each, keys: ['f.txt'], outputs: ['count(*)', 'sum(f.mn)'] });
      if (form === 'project') {
        const conditionText = a.where
          .filter((text) => /^f\.(txt|i|b|d) /.test(text))
          .map((text) => ` and ${text}`);
        return `select k, count(*), sum(v), avg(w) from (select f.txt as k, f.mi as v, f.mn as w from fact f where true${conditionText.join('')}) q group by k`;
      }
      return `select x.c1, x.c2, y.c2, y.c3 from (${of1(a)}) x ${form} (${of1(b)}) y on x.c1 = y.c1`;
    });

const raw = (parts: QueryParts): Text =>
  star(parts).chain(({ from, aliases }) =>
    fc
      .tuple(
        fc.uniqueArray(chosenFrom(of(aliases, parts.keys)), { minLength: 1, maxLength: 4 }),
        fc.uniqueArray(chosenFrom(of(aliases, parts.conditions)), { maxLength: 2 }),
        fc.boolean(),
      )
      .map(([columns, where, distinct]) => {
        const conditionText = where.map((text) => ` and (${text})`).join('');
        return `select ${distinct ? 'distinct ' : ''}${columns.join(', ')} ${from}${conditionText}`;
      }),
  );

/** Lookups as users join them, without the fact. */
const lookupStars: readonly Star[] = [
  ...['a1', 'a2', 'c1', 'd1'].map((alias) => ({
    from: `from ${lookups[alias]!.table} ${alias} where true`,
    aliases: [alias],
  })),
  { from: 'from la a1 join lb b1 on a1.b_id = b1.id where true', aliases: ['a1', 'b1'] },
  { from: 'from la a1 left join lb b1 on a1.b_id = b1.id where true', aliases: ['a1', 'b1'] },
  { from: 'from la a1 full join la a2 on a1.id = a2.b_id where true', aliases: ['a1', 'a2'] },
  { from: 'from la a1, lc c1 where a1.name = c1.label', aliases: ['a1', 'c1'] },
];

/** What reads lookups alone: rows, groups, first rows, sets, and as a condition on the fact. */
const onLookups = (parts: QueryParts): Text =>
  fc
    .tuple(
      fc.constantFrom(...lookupStars),
      fc.constantFrom('rows', 'distinct', 'groups', 'rollup', 'limited', 'in', 'joined'),
    )
    .chain(([{ from, aliases }, form]) => {
      const pool = (of1: Readonly<Record<string, Pool>>) =>
        aliases.flatMap((alias) => of1[alias]?.any ?? []);
      const column = fc.constantFrom(...pool(parts.keys));
      return fc
        .tuple(
          fc.uniqueArray(column, { minLength: 2, maxLength: 3 }),
          fc.uniqueArray(fc.constantFrom(...pool(parts.conditions)), { maxLength: 2 }),
          fc.integer({ min: 0, max: 5 }),
        )
        .map(([columns, conditions, limit]) => {
          const [first, second] = columns as [string, string];
          const source = `${from}${conditions.map((text) => ` and (${text})`).join('')}`;
          const groups = `count(*), count(distinct ${second}), min(${second}::text)`;
          switch (form) {
            case 'rows':
              return `select ${columns.join(', ')} ${source}`;
            case 'distinct':
              return `select distinct ${columns.join(', ')} ${source}`;
            case 'groups':
              return `select ${first}, ${groups} ${source} group by 1 having count(*) > 1`;
            case 'rollup':
              return `select ${first}, ${groups} ${source} group by rollup (${first})`;
            case 'limited':
              return `select ${columns.join(', ')} ${source} order by ${allColumns(columns.length)} limit ${limit} offset 1`;
            case 'in':
              return `select f.b, count(*) from fact f where f.txt in (select ${first}::text ${source}) group by 1`;
            default:
              return `select q.k, count(*), sum(q.n) from (select ${first}::text as k, count(*) as n ${source} group by 1) q left join fact f on f.txt = q.k group by 1`;
          }
        });
    });

export const randomQuery = (parts: QueryParts): Text =>
  fc.oneof(
    { weight: 10, arbitrary: block(parts).map((b) => selectOf(b)) },
    { weight: 3, arbitrary: limited(parts) },
    { weight: 2, arbitrary: groupingSets(parts) },
    { weight: 3, arbitrary: nested(parts) },
    { weight: 1, arbitrary: windows(parts) },
    { weight: 1, arbitrary: unions(parts) },
    { weight: 1, arbitrary: composed(parts) },
    { weight: 1, arbitrary: raw(parts) },
    { weight: 2, arbitrary: onLookups(parts) },
  );

/** One aggregating block and nothing around it. */
export const randomBlock = (parts: QueryParts): Text => block(parts).map((b) => selectOf(b));
