/**
 * Numbers groups in the order in which they first come. A group's key is one number: those of its columns, each
 * less than its count, as digits of a mixed radix; so at most 2^53 keys are possible. Few possible keys are looked
 * up in a table with a place for each, more in a hash table with open addressing.
 */
export class GroupTable {
  readonly #dense: Int32Array | undefined;
  #slots: Int32Array;
  #keys = new Float64Array(64);
  #count = 0;

  /** `possible`: how many keys there can be, at most 2^53. */
  constructor(possible: number) {
    this.#dense = possible <= largestTable ? new Int32Array(possible) : undefined;
    this.#slots = new Int32Array(this.#dense === undefined ? 256 : 0);
  }

  get count(): number {
    return this.#count;
  }

  /** Key of each group. */
  get keys(): Float64Array {
    return this.#keys.subarray(0, this.#count);
  }

  /** The groups of `count` keys. */
  number(keys: Float64Array, count: number, groups: Uint32Array): void {
    const dense = this.#dense;
    if (dense === undefined) {
      for (let i = 0; i < count; i++) groups[i] = this.#hashed(keys[i]!);
      return;
    }
    for (let i = 0; i < count; i++) {
      const key = keys[i]!;
      const held = dense[key]!;
      if (held > 0) groups[i] = held - 1;
      else {
        groups[i] = this.#add(key);
        dense[key] = this.#count;
      }
    }
  }

  #hashed(key: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let at = hashOf(key) & mask; ; at = (at + 1) & mask) {
      const held = slots[at]!;
      if (held === 0) {
        slots[at] = this.#count + 1;
        const group = this.#add(key);
        if (this.#count * 2 > slots.length) this.#grow();
        return group;
      }
      if (this.#keys[held - 1] === key) return held - 1;
    }
  }

  #add(key: number): number {
    if (this.#count === this.#keys.length) {
      const keys = new Float64Array(this.#count * 2);
      keys.set(this.#keys);
      this.#keys = keys;
    }
    this.#keys[this.#count] = key;
    return this.#count++;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 4);
    const mask = slots.length - 1;
    for (let group = 0; group < this.#count; group++) {
      let at = hashOf(this.#keys[group]!) & mask;
      while (slots[at] !== 0) at = (at + 1) & mask;
      slots[at] = group + 1;
    }
    this.#slots = slots;
  }
}

/** Clearing a larger table costs more than most scans do. */
const largestTable = 65_536;

/** Knuth's multiplicative hash of both halves of a whole number. */
function hashOf(key: number): number {
  const mixed = Math.imul(
    (key >>> 0) ^ Math.imul((key / 4_294_967_296) | 0, 0x85ebca6b),
    0x9e3779b1,
  );
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
