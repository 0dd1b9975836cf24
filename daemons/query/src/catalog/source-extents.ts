import { messageOf } from '@tessera/base';
import type { Model, SourceExtent } from '@tessera/cube';
import type { Logger } from '@tessera/daemon';
import { type CatalogSnapshot, tableKey } from './snapshot.ts';
import { unreadable } from './staleness.ts';

/** Begin and end of the fact's partition column, read from the source. */
export type ReadExtent = (model: Model, snapshot: CatalogSnapshot) => Promise<SourceExtent>;

const maxKnownExtents = 1_000;

/** Extents of models' facts, each read once for every version of the fact's data. */
export class SourceExtents {
  readonly #read: ReadExtent;
  readonly #log: Logger;
  readonly #known = new Map<string, SourceExtent>();
  #unread = 0;

  constructor(read: ReadExtent, log: Logger) {
    this.#read = read;
    this.#log = log;
  }

  /** Of how many models the last `of` could not read the extent: asking again may find it. */
  get unread(): number {
    return this.#unread;
  }

  /** By model; only of those with segments: for the others nothing is a hole, everything comes from the source. */
  async of(snapshot: CatalogSnapshot): Promise<ReadonlyMap<string, SourceExtent>> {
    const extents = new Map<string, SourceExtent>();
    let unread = 0;
    for (const { model, cubes } of snapshot.models) {
      const isBuilt = cubes.some(({ segments }) => segments.length > 0);
      if (model.partition === undefined || !isBuilt) continue;
      const version = snapshot.versions.get(tableKey(model.fact.table));
      if (version?.known !== true || version.token === unreadable.token) continue;
      const key = JSON.stringify([model.name, String(model.revision), version.token]);
      const extent = this.#known.get(key) ?? (await this.#readQuietly(model, snapshot));
      if (extent === undefined) {
        unread++;
        continue;
      }
      extents.set(model.name, extent);
      if (this.#known.size >= maxKnownExtents) this.#known.clear();
      this.#known.set(key, extent);
    }
    this.#unread = unread;
    return extents;
  }

  /** A source that cannot be read has no known extent: then what lies outside the segments counts as a hole. */
  async #readQuietly(model: Model, snapshot: CatalogSnapshot): Promise<SourceExtent | undefined> {
    try {
      return await this.#read(model, snapshot);
    } catch (error) {
      this.#log.warn({ model: model.name, reason: messageOf(error) }, 'catalog.extent.unreadable');
      return undefined;
    }
  }
}
