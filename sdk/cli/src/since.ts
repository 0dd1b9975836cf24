/** For how long something has been the same. */
export class Since {
  readonly #seen = new Map<string, { readonly what: string; readonly atMs: number }>();

  ms(key: string, what: string | undefined): number {
    const known = this.#seen.get(key);
    if (what === undefined) this.#seen.delete(key);
    else if (known?.what !== what) this.#seen.set(key, { what, atMs: performance.now() });
    else return performance.now() - known.atMs;
    return 0;
  }
}
