import { describe, expect, test } from 'vitest';
import { csvDialect } from './csv-dialect.ts';

describe('csvDialect', () => {
  test.each([
    { lines: ['a,b', '1,2'], delimiter: ',', header: 'true', names: ['a', 'b'] },
    { lines: ['a;b', '1,5;2', '3,5;4'], delimiter: ';', header: 'true', names: ['a', 'b'] },
    { lines: ['a\tb', '1\t2'], delimiter: '\t', header: 'true', names: ['a', 'b'] },
    { lines: ['1|2', '3|4'], delimiter: '|', header: 'false', names: ['column0', 'column1'] },
    {
      lines: ['a,b,c', '1,2,3', '1,2', '1,2,3,4', '4,5,6'],
      delimiter: ',',
      header: 'true',
      names: ['a', 'b', 'c'],
    },
    { lines: ['a,b', '"x', ';y;z",2', '3,4'], delimiter: ',', header: 'true', names: ['a', 'b'] },
    { lines: ['"a ""q""",b', '1,2'], delimiter: ',', header: 'true', names: ['a "q"', 'b'] },
    { lines: ['a,A,', '1,2,3'], delimiter: ',', header: 'true', names: ['a', 'A_1', 'column2'] },
    { lines: ['name', 'x'], delimiter: ',', header: 'true', names: ['name'] },
    {
      lines: ['2024-01-01,x', '2024-01-02,y'],
      delimiter: ',',
      header: 'false',
      names: ['column0', 'column1'],
    },
    { lines: ['00501,x'], delimiter: ',', header: 'false', names: ['column0', 'column1'] },
  ])('$lines', ({ lines, delimiter, header, names }) => {
    const found = csvDialect(lines, { nullText: '' });
    expect(found.options).toMatchObject({ delimiter, header, quote: '"', escape: '"' });
    expect(found.names).toEqual(names);
  });

  test('takes what is configured', () => {
    const { options, names } = csvDialect(['a,b'], {
      nullText: 'x',
      delimiter: ';',
      header: false,
    });
    expect(options).toMatchObject({ delimiter: ';', header: 'false', nullText: 'x' });
    expect(names).toEqual(['column0']);
  });
});
