import {
  type Clock,
  isTesseraError,
  type KeyRange,
  type KeyValueStore,
  prefixRange,
  type StoreOperation,
  type TransactionResult,
  type WatchBatch,
} from '@tessera/base';
import { expect } from 'vitest';

/** The clock that the driver was given, and how to let time pass on it. */
export interface ContractClock extends Clock {
  /** Lets time pass: at once on a clock of a test, by waiting where the server keeps its own time. */
  advance(durationMs: number): Promise<void>;
}

/** One test's part of a store that may hold the keys of others. */
export class Area {
  readonly store: KeyValueStore;
  readonly prefix: string;
  readonly range: KeyRange;

  constructor(store: KeyValueStore, prefix: string) {
    this.store = store;
    this.prefix = prefix;
    this.range = prefixRange(prefix);
  }

  key(name: string): string {
    return this.prefix + name;
  }

  put(name: string, value = 'x', lease?: bigint): StoreOperation {
    const put = { op: 'put', key: this.key(name), value: bytes(value) } as const;
    return lease === undefined ? put : { ...put, lease };
  }

  delete(name: string): StoreOperation {
    return { op: 'delete', key: this.key(name) };
  }

  write(...success: StoreOperation[]): Promise<TransactionResult> {
    return this.store.transaction({ success });
  }

  async revision(): Promise<bigint> {
    return (await this.store.status()).revision;
  }

  async value(name: string, revision?: bigint): Promise<string | undefined> {
    const { entry } = await this.store.get(
      this.key(name),
      revision === undefined ? {} : { revision },
    );
    return entry && text(entry.value);
  }

  /** `name=value` of every key, in the order of the store. */
  async all(revision?: bigint): Promise<string[]> {
    const { entries } = await this.store.list(
      this.range,
      revision === undefined ? {} : { revision },
    );
    return entries.map(({ key, value }) => `${key.slice(this.prefix.length)}=${text(value)}`);
  }

  /** Watches until a batch that reaches `until`, marks left out. */
  async watchUntil(startRevision: bigint, until: bigint): Promise<string[]> {
    const seen: string[] = [];
    for await (const batch of this.store.watch(this.range, { startRevision })) {
      seen.push(...this.describe(batch));
      if (batch.revision >= until) break;
    }
    return seen;
  }

  /** `revision name=value`, or `revision -name` of a deletion. */
  describe({ revision, events }: WatchBatch): string[] {
    return events.map((event) =>
      event.kind === 'put'
        ? `${revision} ${event.entry.key.slice(this.prefix.length)}=${text(event.entry.value)}`
        : `${revision} -${event.key.slice(this.prefix.length)}`,
    );
  }
}

export function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function text(value: Uint8Array): string {
  return new TextDecoder().decode(value);
}

export async function expectReason(attempt: Promise<unknown>, reason: string): Promise<void> {
  const outcome = await attempt.then(
    (value) => value,
    (error: unknown) => error,
  );
  expect(isTesseraError(outcome) ? outcome.reason : outcome).toBe(reason);
}

/** Lets time pass in small steps until the condition holds. */
export async function eventually(
  clock: ContractClock,
  condition: () => Promise<boolean>,
): Promise<void> {
  for (let turns = 0; turns < 400; turns++) {
    if (await condition()) return;
    await clock.advance(50);
  }
  expect.fail('The condition never held.');
}
