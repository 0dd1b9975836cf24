import { messageOf } from '@tessera/base';
import type { Model, SourceExtent } from '@tessera/cube';
import type { Logger } from '@tessera/daemon';
import { exprKey } from '@tessera/sql';
import { type CatalogSnapshot, tableKey } from './snapshot.ts';
import { unreadable } from './staleness.ts';

/** Begin and end of the fact's partition column, read from the source. */
export type ReadExtent = (model: Model, snapshot: CatalogSnapshot) => Promise<SourceExtent>;

const maxKnownExtents = 1_000;

/** Extents of models' facts, each read once for every version of the fact's data, for all models that are parted alike. */
export class SourceExtents {
  readonly #read: ReadExtent;
  readonly #log: Logger;
  readonly #known = new Map<string, SourceExtent>();
  readonly #reading = new Map<string, Promise<SourceExtent | undefined>>();
  /** Those that could not be read, with a model that needs them. */
  readonly #unread = new Map<string, Model>();

  constructor(read: ReadExtent, log: Logger) {
    this.#read = read;
    this.#log = log;
  }

  /**
   * As of the snapshot's versions; `undefined` where it is not known: then what lies outside the segments counts as a hole.
   * One that could not be read is not tried again before `retry`.
   */
  async of(model: Model, snapshot: CatalogSnapshot): Promise<SourceExtent | undefined> {
    const key = keyOf(model, snapshot);
    if (key === undefined || this.#unread.has(key)) return undefined;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const reading = this.#reading.get(key) ?? this.#readOnce(key, model, snapshot);
    this.#reading.set(key, reading);
    return reading;
  }

  /** Tries those again that could not be read for a snapshot. True when more of them are known now. */
  async retry(snapshot: CatalogSnapshot): Promise<boolean> {
    const unread = [...this.#unread.values()];
    this.#unread.clear();
    const found = await Promise.all(unread.map((model) => this.of(model, snapshot)));
    return found.some((extent) => extent !== undefined);
  }

  /** Another snapshot is made, for which all may be tried again. */
  forgetUnread(): void {
    this.#unread.clear();
  }

  async #readOnce(
    key: string,
    model: Model,
    snapshot: CatalogSnapshot,
  ): Promise<SourceExtent | undefined> {
    try {
      const extent = await this.#read(model, snapshot);
      if (this.#known.size >= maxKnownExtents) this.#known.clear();
      this.#known.set(key, extent);
      return extent;
    } catch (error) {
      this.#log.warn({ model: model.name, reason: messageOf(error) }, 'catalog.extent.unreadable');
      this.#unread.set(key, model);
      return undefined;
    } finally {
      this.#reading.delete(key);
    }
  }
}

/** `undefined` for a model whose extent nobody can know. */
function keyOf({ fact, partition }: Model, { versions }: CatalogSnapshot): string | undefined {
  const version = versions.get(tableKey(fact.table));
  if (partition === undefined || version?.known !== true) return undefined;
  if (version.token === unreadable.token) return undefined;
  const { column, grain, format } = partition;
  return JSON.stringify([tableKey(fact.table), version.token, exprKey(column), grain, format]);
}
