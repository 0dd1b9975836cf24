import { compareKeys, inRange, type KeyRange, type Lease } from '@tessera/base';
import type { ChangesRequest, History, RangeOptions, Row } from './history.ts';

/** A history in this process's memory: gone with it, and the same on every run. */
export class MemoryHistory implements History {
  #revision = 1n;
  #compactRevision = 0n;
  #nextLeaseId = 1n;
  /** Per key, oldest version first. */
  readonly #versions = new Map<string, Row[]>();
  /** The keys of `#versions`, sorted. */
  readonly #keys: string[] = [];
  /** Every row in the order it was appended. */
  #log: Row[] = [];
  readonly #leases = new Map<bigint, Lease>();

  get revision(): bigint {
    return this.#revision;
  }

  get compactRevision(): bigint {
    return this.#compactRevision;
  }

  get nextLeaseId(): bigint {
    return this.#nextLeaseId;
  }

  find(key: string, revision = this.#revision): Row | undefined {
    const row = this.#versions.get(key)?.findLast((version) => version.modRevision <= revision);
    return row?.value === undefined ? undefined : row;
  }

  range(range: KeyRange, options: RangeOptions): Row[] {
    const rows: Row[] = [];
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    for (let i = this.#position(range.start); i < this.#keys.length && rows.length < limit; i++) {
      const key = this.#keys[i]!;
      if (!inRange(key, range)) break;
      if (options.startAfter !== undefined && compareKeys(key, options.startAfter) <= 0) continue;
      const row = this.find(key, options.revision);
      if (row !== undefined) rows.push(row);
    }
    return rows;
  }

  changes({ range, from, through, limit }: ChangesRequest): Row[] {
    const rows: Row[] = [];
    for (let i = this.#firstSince(from); i < this.#log.length && rows.length < limit; i++) {
      const row = this.#log[i]!;
      if (row.modRevision > through) break;
      if (inRange(row.key, range)) rows.push(row);
    }
    return rows;
  }

  append(row: Row): void {
    const versions = this.#versions.get(row.key);
    if (versions === undefined) {
      this.#keys.splice(this.#position(row.key), 0, row.key);
      this.#versions.set(row.key, [row]);
    } else {
      versions.push(row);
    }
    this.#log.push(row);
    this.#revision = row.modRevision;
  }

  compact(revision: bigint): void {
    this.#compactRevision = revision;
    const kept = new Set<Row>();
    for (const [key, versions] of this.#versions) {
      const newest = versions.findLastIndex((row) => row.modRevision <= revision);
      const rest = versions.slice(Math.max(0, newest));
      const first = rest[0];
      if (first !== undefined && first.value === undefined && first.modRevision < revision) {
        rest.shift();
      }
      for (const row of rest) kept.add(row);
      if (rest.length > 0) this.#versions.set(key, rest);
      else this.#forget(key);
    }
    this.#log = this.#log.filter((row) => kept.has(row));
  }

  keyCount(): number {
    return this.#keys.filter((key) => this.find(key) !== undefined).length;
  }

  putLease(lease: Lease): void {
    this.#leases.set(lease.id, lease);
    this.#nextLeaseId = lease.id + 1n;
  }

  dropLease(id: bigint): void {
    this.#leases.delete(id);
  }

  hasLease(id: bigint): boolean {
    return this.#leases.has(id);
  }

  leases(): Lease[] {
    return [...this.#leases.values()];
  }

  keysOfLease(id: bigint): string[] {
    return this.#keys.filter((key) => this.find(key)?.lease === id);
  }

  #forget(key: string): void {
    this.#versions.delete(key);
    this.#keys.splice(this.#position(key), 1);
  }

  /** Index of the first key that is not before `key`. */
  #position(key: string): number {
    return lowerBound(this.#keys.length, (i) => compareKeys(this.#keys[i]!, key) < 0);
  }

  #firstSince(revision: bigint): number {
    return lowerBound(this.#log.length, (i) => this.#log[i]!.modRevision < revision);
  }
}

/** The first index for which `before` does not hold; it holds for a prefix of the indexes. */
function lowerBound(length: number, before: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (before(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
