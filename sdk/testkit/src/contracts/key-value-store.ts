import { randomUUID } from 'node:crypto';
import type { KeyValueStore } from '@tessera/base';
import { afterEach, beforeEach, describe } from 'vitest';
import { Area, type ContractClock } from './key-value-store-harness.ts';
import { leaseTests } from './key-value-store-leases.ts';
import { modelTests } from './key-value-store-model.ts';
import { transactionTests } from './key-value-store-transactions.ts';
import { watchTests } from './key-value-store-watches.ts';

export interface KeyValueStoreSubject {
  /** The clock that the stores are opened with. */
  readonly clock: ContractClock;
  /** A store that only this suite writes to. It need not be empty. */
  open(): Promise<KeyValueStore>;
  /** Closes a store of `open` and opens the same data again. Absent: the driver keeps nothing. */
  reopen?(store: KeyValueStore): Promise<KeyValueStore>;
}

/** What the tests of one group are handed: `area` is valid while a test runs. */
export interface Contract {
  readonly clock: ContractClock;
  readonly area: () => Area;
  /** Closes and opens again; `area` then stands for the new store. */
  readonly reopen: (() => Promise<void>) | undefined;
}

/** The contract of `KeyValueStore`. A driver's first test is one call of this. */
export function describeKeyValueStore(name: string, subject: KeyValueStoreSubject): void {
  describe(`${name} keeps the contract of a key-value store`, () => {
    let area: Area;
    beforeEach(async () => {
      area = new Area(await subject.open(), `/contract/${randomUUID()}/`);
    });
    afterEach(() => area.store.close());
    const reopen =
      subject.reopen &&
      (async () => {
        area = new Area(await subject.reopen!(area.store), area.prefix);
      });
    const contract: Contract = { clock: subject.clock, area: () => area, reopen };
    describe('transactions', () => transactionTests(contract));
    describe('watches and compaction', () => watchTests(contract));
    describe('leases', () => leaseTests(contract));
    describe('random use', () => modelTests(contract));
  });
}
