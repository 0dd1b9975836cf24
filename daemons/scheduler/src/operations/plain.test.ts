import { metadata } from '@tessera/proto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromPlain, type Plain, toPlain } from './plain.ts';

const plain = fc.letrec<{ value: Plain }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.bigInt(),
    fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .dictionary(fc.string({ unit: 'grapheme-ascii', minLength: 1 }), tie('value'), { maxKeys: 4 })
      .filter((value) => !Object.keys(value).some((key) => key === '$int' || key === '__proto__'))
      .map((value) => ({ ...value })),
  ),
})).value;

test('plain values come back from a journal entry as they went in', () => {
  fc.assert(
    fc.property(plain, (value) => {
      const entry = metadata.JournalEntry.fromPartial({ outcome: toPlain(value) });
      const read = metadata.JournalEntry.decode(metadata.JournalEntry.encode(entry).finish());
      expect(fromPlain(read.outcome)).toEqual(value);
    }),
    { seed: 11, numRuns: 500 },
  );
});

test('a field without a value is left out', () => {
  expect(fromPlain(toPlain({ a: undefined, b: 1n }))).toEqual({ b: 1n });
});
