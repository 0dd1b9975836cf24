import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assign, type HeldFile, type Share, type StandingOf } from './assign.ts';
import { cheapestCover } from './cheapest-cover.ts';

const names = ['a', 'b', 'c', 'd', 'e'] as const;
const standings = fc.record(
  Object.fromEntries(
    names.map((name) => [
      name,
      fc.record({ pendingCount: fc.nat({ max: 20 }), suspect: fc.boolean() }),
    ]),
  ),
);
const holdings = (minLength: number) =>
  fc
    .array(fc.subarray([...names], { minLength }), { minLength: 1, maxLength: 12 })
    .map((held) => held.map((daemons, i): HeldFile => ({ key: `file ${i}`, daemons })));
const free: StandingOf = () => ({ pendingCount: 0, suspect: false });
const small = 1;
const large = 1_000_000;

function cover(files: readonly HeldFile[], fileMicros?: number, standing = free) {
  return cheapestCover(files, { standing, key: 'layout', fileMicros });
}

const daemonsOf = (shares: readonly Share[] | undefined) =>
  shares!.map(({ daemon }) => daemon).sort();

/** Segments of which each is on two of three daemons, as placement has them. */
const pairs = ['ab', 'bc', 'ca', 'ab', 'bc', 'ca', 'ab'].map((held, i) => ({
  key: `file ${i}`,
  daemons: [...held],
}));

describe('a cover', () => {
  test('reads each file once, and where it is', () => {
    fc.assert(
      fc.property(
        holdings(1),
        standings,
        fc.option(fc.nat({ max: 100_000 }), { nil: undefined }),
        (files, of, fileMicros) => {
          const shares = cover(files, fileMicros, (daemon) => of[daemon]!)!;
          const read = shares.flatMap(({ indexes }) => indexes).sort((a, b) => a - b);
          expect(read).toEqual(files.map((_, i) => i));
          for (const { daemon, indexes } of shares) {
            for (const index of indexes) expect(files[index]!.daemons).toContain(daemon);
          }
          expect(new Set(daemonsOf(shares)).size).toBe(shares.length);
        },
      ),
    );
  });

  test('is none when a file is nowhere', () => {
    fc.assert(
      fc.property(holdings(0), fc.constantFrom(undefined, small, large), (files, fileMicros) => {
        const isNowhere = files.some(({ daemons }) => daemons.length === 0);
        expect(cover(files, fileMicros) === undefined).toBe(isNowhere);
      }),
    );
  });

  test('of a small scan has no daemon that could be left out', () => {
    fc.assert(
      fc.property(holdings(1), (files) => {
        const asked = daemonsOf(cover(files, small));
        const spread = assign(files, free)!;
        expect(asked.length).toBeLessThanOrEqual(spread.length);
        if (asked.length === spread.length) return; // No fewer are enough.
        for (const one of asked) {
          const others = asked.filter((daemon) => daemon !== one);
          expect(files.every(({ daemons }) => daemons.some((d) => others.includes(d)))).toBe(false);
        }
      }),
    );
  });

  test('asks suspect daemons only for what nobody else has', () => {
    fc.assert(
      fc.property(holdings(1), standings, (files, of) => {
        for (const { daemon, indexes } of cover(files, small, (name) => of[name]!)!) {
          if (!of[daemon]!.suspect) continue;
          for (const index of indexes) {
            expect(files[index]!.daemons.every((name) => of[name]!.suspect)).toBe(true);
          }
        }
      }),
    );
  });

  test('is always the same when nothing has changed', () => {
    fc.assert(
      fc.property(holdings(1), (files) => {
        expect(cover(files, small)).toEqual(cover(files, small));
      }),
    );
  });

  test('of two replicas on three daemons has two for a small scan, and all for a large one', () => {
    expect(cover(pairs, small)).toHaveLength(2);
    expect(cover(pairs, large)).toEqual(assign(pairs, free));
    expect(cover(pairs, large)).toHaveLength(3);
  });

  test('has one where one has everything', () => {
    const files = [...'abc'].map((other, i) => ({ key: `file ${i}`, daemons: ['z', other] }));
    expect(daemonsOf(cover(files, small))).toEqual(['z']);
  });

  test('of a scan of which nothing is known yet is spread', () => {
    expect(cover(pairs)).toEqual(assign(pairs, free));
  });

  test('does without a daemon that is away', () => {
    const [gone] = daemonsOf(cover(pairs, small));
    const left = pairs.map((file) => ({
      ...file,
      daemons: file.daemons.filter((daemon) => daemon !== gone),
    }));
    const asked = daemonsOf(cover(left, small));
    expect(asked).toEqual(['a', 'b', 'c'].filter((name) => name !== gone));
  });
});
