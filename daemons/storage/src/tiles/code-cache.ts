import { LruCache } from '@tessera/base';
import type { Dictionary } from '@tessera/columnar/tile';

/** What was computed for the codes of a dictionary; goes with it. */
export class CodeCache {
  readonly #caches = new WeakMap<Dictionary, LruCache<Promise<unknown>>>();

  /** The same key always means the same value of the same type. What fails is not remembered. */
  remember<T>(dictionary: Dictionary, key: string, compute: () => Promise<T>): Promise<T> {
    let cache = this.#caches.get(dictionary);
    if (cache === undefined) {
      cache = new LruCache({ maxEntries, maxWeight });
      this.#caches.set(dictionary, cache);
    }
    const known = cache.get(key);
    if (known !== undefined) return known as Promise<T>;
    const value = compute();
    cache.set(key, value, dictionary.size + key.length);
    value.catch(() => cache.delete(key));
    return value;
  }
}

/** Per dictionary; an entry weighs as much as it has codes. */
const maxEntries = 128;
const maxWeight = 1 << 21;
