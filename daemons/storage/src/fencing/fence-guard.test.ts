import { expectReason } from '@tessera/testkit/contracts';
import { describe, expect, test } from 'vitest';
import { FenceGuard, type TokenMemory } from './fence-guard.ts';

const lease = 'leases/scheduler';

function memory(): TokenMemory & { tokens: ReadonlyMap<string, bigint>; full: boolean } {
  const kept = {
    tokens: new Map<string, bigint>() as ReadonlyMap<string, bigint>,
    full: false,
    read: async () => kept.tokens,
    write: async (tokens: ReadonlyMap<string, bigint>) => {
      if (kept.full) throw new Error('no space');
      kept.tokens = tokens;
    },
  };
  return kept;
}

describe('the guard', () => {
  test('refuses a token once it has seen a larger one, and forgets that in no restart', async () => {
    const disk = memory();
    const guard = await FenceGuard.open(disk);
    const work = async () => 'done';
    expect(await guard.run({ lease, token: 5n }, work)).toBe('done');
    expect(await guard.run({ lease, token: 9n }, work)).toBe('done');
    await expectReason(guard.run({ lease, token: 5n }, work), 'FENCED');
    const again = await FenceGuard.open(disk);
    await expectReason(again.run({ lease, token: 8n }, work), 'FENCED');
    expect(await again.run({ lease, token: 9n }, work)).toBe('done');
    expect(await again.run({ lease: 'leases/other', token: 1n }, work)).toBe('done');
    expect(await again.run(undefined, work)).toBe('done');
  });

  test('begins nothing of a new leader while something of an old one goes on', async () => {
    const guard = await FenceGuard.open(memory());
    const seen: string[] = [];
    const held = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const old = guard.run({ lease, token: 1n }, async () => {
      begun.resolve();
      await held.promise;
      seen.push('old ends');
    });
    await begun.promise;
    const next = guard.run({ lease, token: 2n }, async () => seen.push('new begins'));
    await expectReason(
      guard.run({ lease, token: 1n }, async () => seen.push('old again')),
      'FENCED',
    );
    held.resolve();
    await Promise.all([old, next]);
    expect(seen).toEqual(['old ends', 'new begins']);
  });

  test('refuses who was overtaken while he waited', async () => {
    const guard = await FenceGuard.open(memory());
    const [second, third] = [2n, 3n].map((token) => guard.run({ lease, token }, async () => token));
    await expectReason(second!, 'FENCED');
    expect(await third).toBe(3n);
  });

  test('does not act by a token that it cannot remember', async () => {
    const disk = memory();
    const guard = await FenceGuard.open(disk);
    await guard.run({ lease, token: 1n }, async () => {});
    disk.full = true;
    let acted = false;
    const work = async () => {
      acted = true;
    };
    await expect(guard.run({ lease, token: 2n }, work)).rejects.toThrow('no space');
    expect(acted).toBe(false);
    disk.full = false;
    await guard.run({ lease, token: 2n }, work);
    expect(acted).toBe(true);
  });
});
