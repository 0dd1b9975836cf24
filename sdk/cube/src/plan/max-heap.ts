/** Positions by key, the largest first; of equal keys the lowest position, so that the order is always the same. */
export class MaxHeap {
  readonly #keys: Float64Array;
  readonly #positions: Int32Array;
  #size = 0;

  constructor(capacity: number) {
    this.#keys = new Float64Array(capacity + 1);
    this.#positions = new Int32Array(capacity + 1);
  }

  /** The largest key; minus infinity when there is none. */
  get topKey(): number {
    return this.#size === 0 ? Number.NEGATIVE_INFINITY : this.#keys[0]!;
  }

  push(key: number, position: number): void {
    let at = this.#size;
    this.#size += 1;
    this.#put(at, key, position);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): number | undefined {
    if (this.#size === 0) return undefined;
    const top = this.#positions[0]!;
    this.#size -= 1;
    this.#put(0, this.#keys[this.#size]!, this.#positions[this.#size]!);
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      if (left >= this.#size) return top;
      const right = left + 1;
      const child = right < this.#size && this.#before(right, left) ? right : left;
      if (!this.#before(child, at)) return top;
      this.#swap(child, at);
      at = child;
    }
  }

  #put(at: number, key: number, position: number): void {
    this.#keys[at] = key;
    this.#positions[at] = position;
  }

  #before(a: number, b: number): boolean {
    const difference = this.#keys[a]! - this.#keys[b]!;
    return difference > 0 || (difference === 0 && this.#positions[a]! < this.#positions[b]!);
  }

  #swap(a: number, b: number): void {
    const key = this.#keys[a]!;
    const position = this.#positions[a]!;
    this.#put(a, this.#keys[b]!, this.#positions[b]!);
    this.#put(b, key, position);
  }
}
