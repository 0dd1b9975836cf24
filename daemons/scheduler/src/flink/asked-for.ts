/** What is known of things that are looked at again and again, until nobody asks for them any more. */
export class AskedFor<Value> {
  #known = new Map<string, Value>();
  #asked = new Set<string>();

  get(key: string): Value | undefined {
    this.#asked.add(key);
    return this.#known.get(key);
  }

  set(key: string, value: Value): void {
    this.#known.set(key, value);
  }

  delete(key: string): void {
    this.#known.delete(key);
  }

  /** Forgets what was not asked for since this was called last. */
  forgetUnasked(): void {
    this.#known = new Map([...this.#known].filter(([key]) => this.#asked.has(key)));
    this.#asked = new Set();
  }
}
