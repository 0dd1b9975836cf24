import { expect, test } from 'vitest';
import type { Contract } from './key-value-store.ts';
import { eventually, expectReason } from './key-value-store-harness.ts';

/** Servers round times up to whole seconds, and have a smallest one. */
const ttlMs = 3_000;

export function leaseTests(contract: Contract): void {
  const { clock } = contract;

  test('keys go with the lease that is not kept alive, all in one revision', async () => {
    const area = contract.area();
    const lease = await area.store.grantLease(ttlMs);
    expect(lease.ttlMs).toBeGreaterThanOrEqual(ttlMs);
    const { revision } = await area.write(
      area.put('a', '1', lease.id),
      area.put('b', '1', lease.id),
      area.put('stays', '1'),
    );
    expect((await area.store.get(area.key('a'))).entry?.lease).toBe(lease.id);
    await eventually(clock, async () => (await area.all()).length === 1);
    expect(await area.all()).toEqual(['stays=1']);
    const ended = revision + 1n;
    expect(await area.watchUntil(ended, ended)).toEqual([`${ended} -a`, `${ended} -b`]);
    await expectReason(area.store.keepLeaseAlive(lease.id), 'LEASE_NOT_FOUND');
    await expectReason(area.store.leaseStatus(lease.id), 'LEASE_NOT_FOUND');
    await expectReason(area.write(area.put('a', '2', lease.id)), 'LEASE_NOT_FOUND');
  });

  test('a lease lives as long as it is kept alive', async () => {
    const area = contract.area();
    const lease = await area.store.grantLease(ttlMs);
    await area.write(area.put('a', '1', lease.id));
    for (let i = 0; i < 5; i++) {
      await clock.advance(ttlMs / 3);
      const { remainingMs } = await area.store.leaseStatus(lease.id);
      expect(remainingMs).toBeLessThan(lease.ttlMs);
      expect((await area.store.keepLeaseAlive(lease.id)).id).toBe(lease.id);
    }
    expect(await area.all()).toEqual(['a=1']);
    await eventually(clock, async () => (await area.all()).length === 0);
  });

  test('a revoked lease takes its keys at once, and only once', async () => {
    const area = contract.area();
    const lease = await area.store.grantLease(ttlMs);
    const other = await area.store.grantLease(ttlMs);
    await area.write(area.put('a', '1', lease.id), area.put('b', '1', other.id));
    await area.store.revokeLease(lease.id);
    expect(await area.all()).toEqual(['b=1']);
    await expectReason(area.store.revokeLease(lease.id), 'LEASE_NOT_FOUND');
  });

  test('a key that is put again belongs to the new lease, or to none', async () => {
    const area = contract.area();
    const lease = await area.store.grantLease(ttlMs);
    const other = await area.store.grantLease(ttlMs);
    await area.write(area.put('a', '1', lease.id), area.put('b', '1', lease.id));
    await area.write(area.put('a', '2'), area.put('b', '2', other.id));
    await area.store.revokeLease(lease.id);
    expect(await area.all()).toEqual(['a=2', 'b=2']);
    await area.store.revokeLease(other.id);
    expect(await area.all()).toEqual(['a=2']);
  });

  test('ending a lease without keys leaves the revision as it is', async () => {
    const area = contract.area();
    const before = await area.revision();
    const lease = await area.store.grantLease(ttlMs);
    await area.store.revokeLease(lease.id);
    expect(await area.revision()).toBe(before);
  });

  test('a transaction can ask whether a key is still held under a lease', async () => {
    const area = contract.area();
    const lease = await area.store.grantLease(ttlMs);
    await area.write(area.put('lock', 'me', lease.id));
    const guarded = () =>
      area.store.transaction({
        compare: [{ key: area.key('lock'), target: 'lease', to: lease.id }],
        success: [area.put('work')],
      });
    expect((await guarded()).succeeded).toBe(true);
    await area.store.revokeLease(lease.id);
    expect((await guarded()).succeeded).toBe(false);
  });

  if (contract.reopen === undefined) return;
  test('leases survive opening again, and still end', async () => {
    const lease = await contract.area().store.grantLease(ttlMs);
    await contract.area().write(contract.area().put('a', '1', lease.id));
    await contract.reopen!();
    const area = contract.area();
    expect(await area.all()).toEqual(['a=1']);
    expect((await area.store.keepLeaseAlive(lease.id)).id).toBe(lease.id);
    await eventually(clock, async () => (await area.all()).length === 0);
    const next = await area.store.grantLease(ttlMs);
    expect(next.id).not.toBe(lease.id);
  });
}
