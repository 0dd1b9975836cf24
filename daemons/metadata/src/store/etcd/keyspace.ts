import { type KeyRange, storeLimits } from '@tessera/base';

/** A range as etcd is told it: half-open, in bytes. */
export interface WireRange {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

/**
 * Where a store lives in etcd: everything below one prefix, so that several may share an etcd. Keys of the
 * store are under `<prefix>/data`; beside them lie what makes transactions exactly-once and what marks how
 * far a watch is.
 */
export class Keyspace {
  readonly #data: Buffer;
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
    this.#data = Buffer.from(`${prefix}/data`);
  }

  /** Everything that the store ever writes. */
  get whole(): WireRange {
    const key = Buffer.from(`${this.#prefix}/`);
    return { key, rangeEnd: after(key) };
  }

  get barrier(): Uint8Array {
    return Buffer.from(`${this.#prefix}/barrier`);
  }

  writer(number: number): Uint8Array {
    return Buffer.from(`${this.#prefix}/writer/${`${number}`.padStart(4, '0')}`);
  }

  key(key: string): Uint8Array {
    return Buffer.concat([this.#data, Buffer.from(key)]);
  }

  /** The store's key, or `undefined` when it is one of the driver's own. */
  keyOf(wire: Uint8Array): string | undefined {
    const bytes = Buffer.from(wire.buffer, wire.byteOffset, wire.byteLength);
    if (!bytes.subarray(0, this.#data.length).equals(this.#data)) return undefined;
    return bytes.toString('utf8', this.#data.length);
  }

  /** `undefined` when no key can lie in the range: etcd is never asked for one that ends before it starts. */
  range({ start, end }: KeyRange, startAfter?: string): WireRange | undefined {
    // No key holds U+0000, so nothing lies between a key and that key with it.
    const first = startAfter === undefined ? this.key(start) : this.key(`${startAfter}\0`);
    const from = startAfter === undefined ? first : later(first, this.key(start));
    const rangeEnd = end === undefined ? after(this.#data) : this.key(end);
    return Buffer.compare(from, rangeEnd) < 0 ? { key: from, rangeEnd } : undefined;
  }
}

/** The longest prefix that leaves room for the longest key. */
export const prefixBytes = storeLimits.keyBytes;

function later(a: Uint8Array, b: Uint8Array): Uint8Array {
  return Buffer.compare(a, b) >= 0 ? a : b;
}

/** The first key after all that start with `prefix`, which ends with an ASCII character. */
function after(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1]! += 1;
  return end;
}
