import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTraceparent, parseTraceparent } from './traceparent.ts';

const hex = (length: number) =>
  fc
    .array(fc.integer({ min: 0, max: 15 }), { minLength: length, maxLength: length })
    .map((digits) => digits.map((digit) => digit.toString(16)).join(''))
    .filter((text) => !/^0+$/.test(text));

describe('traceparent', () => {
  test('says what it is read back as', () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.constantFrom(0, 1), (traceId, spanId, traceFlags) => {
        const context = { traceId, spanId, traceFlags };
        expect(parseTraceparent(formatTraceparent(context))).toEqual({
          ...context,
          isRemote: true,
        });
      }),
    );
  });

  const ids = '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331';
  test.each([
    { text: '', why: 'nothing was sent' },
    { text: `00-${ids}`, why: 'the flags are missing' },
    { text: `ff-${ids}-01`, why: 'that version is forbidden' },
    { text: `00-${ids}-01-more`, why: 'version 00 has no more fields' },
    { text: `00-${ids.toUpperCase()}-01`, why: 'ids are in lower case' },
    { text: `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, why: 'no trace has that id' },
    { text: `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`, why: 'nor any span' },
  ])('of "$text" is none: $why', ({ text }) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });

  test('of a version to come is read, whatever it appends', () => {
    expect(parseTraceparent(`cc-${ids}-01-what-comes`)).toMatchObject({ traceFlags: 1 });
  });

  test('is never worth an exception', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseTraceparent(text)));
  });
});
