import type { WatchEvent } from '@tessera/client';

/** Changes of one transaction share a revision; after this long without another one it is taken as whole. */
const settleMs = 10;

/** What changed at one revision, by name. */
export interface Changes<Resource> {
  readonly put: ReadonlyMap<string, Resource>;
  readonly deleted: ReadonlySet<string>;
}

type Change<Resource> = Exclude<WatchEvent<Resource>, { readonly kind: 'snapshot' }>;

/** Gathers the changes of a watch by revision, so that a transaction is seen as a whole or not at all. */
export class RevisionBatches<Resource extends { readonly name: string }> implements Disposable {
  readonly #apply: (changes: Changes<Resource>, revision: bigint) => void;
  #put = new Map<string, Resource>();
  #deleted = new Set<string>();
  #revision = 0n;
  #settle: NodeJS.Timeout | undefined;

  constructor(apply: (changes: Changes<Resource>, revision: bigint) => void) {
    this.#apply = apply;
  }

  take(event: Change<Resource>): void {
    if (event.revision > this.#revision) this.flush();
    this.#revision = event.revision;
    if (event.kind === 'progress') {
      this.flush();
      return;
    }
    if (event.kind === 'put') this.#put.set(event.resource.name, event.resource);
    else this.#deleted.add(event.name);
    clearTimeout(this.#settle);
    this.#settle = setTimeout(() => this.flush(), settleMs);
  }

  /** Hands over what there is. */
  flush(): void {
    clearTimeout(this.#settle);
    if (this.#put.size + this.#deleted.size === 0) return;
    const changes = { put: this.#put, deleted: this.#deleted };
    this.#put = new Map();
    this.#deleted = new Set();
    this.#apply(changes, this.#revision);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#settle);
  }
}
