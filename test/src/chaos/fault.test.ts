import { seededRandom } from '@tessera/base';
import { describe, expect, test } from 'vitest';
import { chooseRounds, type FaultKind, faultKinds, formatFault, type Targets } from './fault.ts';

const targets: Targets = { hosts: 3, daemons: ['etcd-0', 'storage-1', 'query-2'] };
const choose = (seed: number, options: Partial<Targets> = {}) =>
  chooseRounds(seededRandom(seed), 500, { ...targets, ...options });

describe('rounds of faults', () => {
  test('are the same for the same seed, and others for another one', () => {
    expect(choose(1)).toEqual(choose(1));
    expect(choose(1)).not.toEqual(choose(2));
  });

  test('have as many faults as were asked for, of all kinds, and none twice at the same time', () => {
    const rounds = choose(3);
    const faults = rounds.flatMap((round) => round.faults);
    expect(faults.length).toBeGreaterThanOrEqual(500);
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(faultKinds));
    for (const round of rounds) {
      const texts = round.faults.map(
        (fault) => formatFault(fault).split(/ by | that is | minutes/)[0],
      );
      expect(new Set(texts).size).toBe(texts.length);
    }
  });

  test('leave out what cannot be made', () => {
    const without = new Set<FaultKind>(['slow-sync']);
    const kinds = choose(4, { without }).flatMap(({ faults }) => faults.map(({ kind }) => kind));
    expect(kinds).not.toContain('slow-sync');
  });
});
