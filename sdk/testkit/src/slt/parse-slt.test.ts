import { describe, expect, test } from 'vitest';
import { rowsDiffer } from './compare-rows.ts';
import { parseSlt, printSlt } from './parse-slt.ts';

const file = `# Two lines
# of comment.

parameter it's
query TBT rowsort mixed
select name, n, note
from t where name = $1
----
x y  1  NULL
"a  b"  2  "NULL"
""  3  "  padded "

error DIVISION_BY_ZERO
select 1 / 0
`;

describe('an .slt file', () => {
  test('is read record by record, with the lines they stand on', () => {
    const [comment, query, error] = parseSlt(file, 'a.slt').items;
    expect(comment).toEqual({ kind: 'comment', text: '# Two lines\n# of comment.' });
    expect(query).toEqual({
      kind: 'query',
      line: 5,
      parameters: ["it's"],
      types: 'TBT',
      order: 'rowsort',
      plan: 'mixed',
      sql: 'select name, n, note\nfrom t where name = $1',
      rows: [
        ['x y', '1', null],
        ['a  b', '2', 'NULL'],
        ['', '3', '  padded '],
      ],
    });
    expect(error).toMatchObject({ reason: 'DIVISION_BY_ZERO', sql: 'select 1 / 0' });
  });

  test('is written as it was read', () => {
    expect(printSlt(parseSlt(file, 'a.slt'))).toBe(file);
  });

  test.each(['query T', 'query T sideways', 'query T rowsort nowhere', 'select 1'])(
    'is refused where a record begins with %j',
    (head) => {
      expect(() => parseSlt(`\n\n${head}\nselect 1\n`, 'b.slt')).toThrow('b.slt:');
    },
  );
});

describe('rows', () => {
  const types = [{ kind: 'numeric' }, { kind: 'double' }] as const;

  test.each([
    { a: ['1.50', '0.30000000000000004'], b: ['1.5', '0.3'], same: true },
    { a: ['1.50', '0.30001'], b: ['1.5', '0.3'], same: false },
    { a: ['1.5000000000000001', '1'], b: ['1.5', '1'], same: false },
    { a: [null, '1'], b: ['0', '1'], same: false },
  ])('$a and $b are the same: $same', ({ a, b, same }) => {
    expect(rowsDiffer(types, [a], [b], 'nosort') === undefined).toBe(same);
  });

  test('are compared in order only where the query orders them', () => {
    const [one, two] = [
      ['1', '1'],
      ['2', '2'],
    ];
    expect(rowsDiffer(types, [one!, two!], [two!, one!], 'rowsort')).toBeUndefined();
    expect(rowsDiffer(types, [one!, two!], [two!, one!], 'nosort')).toContain('row 1');
  });
});
