import type { Clock } from '@tessera/base';
import type { Logger } from '@tessera/daemon';
import type { SchedulerClients } from '../clients.ts';
import { Followed } from './followed.ts';
import { type KnownItems, storedItems } from './items.ts';
import type { StoredItem } from './stored-item.ts';

export interface CatalogOptions {
  readonly clients: SchedulerClients;
  readonly clock: Clock;
  readonly log: Logger;
  /** Nodes that shall hold an item of which nobody says more. */
  readonly replication: number;
}

/** What there is to replicate, followed by watches for as long as a term lasts. */
export class Catalog {
  readonly segments: Followed<'segments'>;
  readonly snapshots: Followed<'snapshots'>;
  readonly dictionaries: Followed<'dictionaries'>;
  readonly cubes: Followed<'cubes'>;
  readonly nodes: Followed<'storageNodes'>;
  readonly #replication: number;
  #items: ReadonlyMap<string, StoredItem> = new Map();
  #itemsVersion = -1;
  #known: KnownItems = new WeakMap();
  /** Of what items of segments depend on beside the segments. */
  #knownVersion = -1;

  constructor({ clients: client, clock, log, replication }: CatalogOptions) {
    const options = { client, clock, log };
    this.segments = new Followed({ ...options, name: 'segments', parent: 'projects/-/cubes/-' });
    this.snapshots = new Followed({ ...options, name: 'snapshots', parent: 'projects/-' });
    this.dictionaries = new Followed({ ...options, name: 'dictionaries', parent: 'projects/-' });
    this.cubes = new Followed({ ...options, name: 'cubes', parent: 'projects/-' });
    this.nodes = new Followed({ ...options, name: 'storageNodes' });
    this.#replication = replication;
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#collections.map((one) => one.run(signal)));
  }

  get isListed(): boolean {
    return this.#collections.every((one) => one.isListed);
  }

  get version(): number {
    return this.#collections.reduce((sum, { version }) => sum + version, 0);
  }

  /** By name. */
  get items(): ReadonlyMap<string, StoredItem> {
    if (this.#itemsVersion === this.version) return this.#items;
    const { segments, snapshots, dictionaries, cubes } = this;
    const resources = {
      segments: segments.all,
      snapshots: snapshots.all,
      dictionaries: dictionaries.all,
      cubes: cubes.all,
    };
    const knownVersion = snapshots.version + cubes.version;
    if (knownVersion !== this.#knownVersion) this.#known = new WeakMap();
    this.#knownVersion = knownVersion;
    const items = storedItems(resources, this.#replication, this.#known);
    this.#itemsVersion = this.version;
    this.#items = new Map(items.map((item) => [item.name, item]));
    return this.#items;
  }

  etagOf(name: string, kind: StoredItem['kind']): string | undefined {
    switch (kind) {
      case 'segment':
        return this.segments.find(name)?.etag;
      case 'snapshot':
        return this.snapshots.find(name)?.etag;
      case 'dictionary':
        return this.dictionaries.find(name)?.etag;
    }
  }

  get #collections(): readonly (
    | Followed<'segments'>
    | Followed<'snapshots'>
    | Followed<'dictionaries'>
    | Followed<'cubes'>
    | Followed<'storageNodes'>
  )[] {
    return [this.segments, this.snapshots, this.dictionaries, this.cubes, this.nodes];
  }
}
