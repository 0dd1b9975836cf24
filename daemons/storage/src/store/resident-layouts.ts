import { type Clock, messageOf } from '@tessera/base';
import type { ScanPlan } from '@tessera/cube';
import type { Logger } from '@tessera/daemon';
import type { FileStore } from '../files/file-store.ts';
import { type StoredFileName, storedPath } from '../files/stored-path.ts';
import type { LayoutFile, MemoryUsage, WarmUpOutcome } from './cuboid-store.ts';
import { chooseEvictions, HitMeter, type Resident, savedMicros } from './eviction.ts';
import type { LayoutLoader, LayoutTable, SegmentFile } from './layout-table.ts';

/** A layout that was asked for, over all its segments; in memory when it has a table. */
interface Entry {
  readonly key: string;
  readonly cube: string;
  readonly layout: string;
  readonly hits: HitMeter;
  table?: LayoutTable | undefined;
  pinned: boolean;
  /** Set while a load that a scan asked for is queued. */
  wanted: boolean;
  /** What it will be when the load that it was admitted for is done; absent when it gave way to a better one. */
  admitted?: { readonly bytes: number; readonly rowCount: number; begun: boolean } | undefined;
  /** Set when it was not worth the room: tried again at this many hits. */
  retryAtHits: number;
}

/** A load for which there was room. */
interface AdmittedLoad {
  readonly entry: Entry;
  readonly sources: readonly SegmentFile[];
}

interface Snapshot {
  readonly name: string;
  leases: number;
  /** Deleted; the table goes with its last lease. */
  doomed: boolean;
}

export interface TableLease {
  readonly table: LayoutTable;
  readonly segmentKeys: readonly string[];
  readonly release: () => void;
}

const loading = new AbortController().signal;

/**
 * What is in memory. Loads that scans asked for run one after another on a connection of their own, those of a
 * warm-up on two; scans never wait for them. A layout that is evicted while scans read it goes when the last of
 * them is done.
 */
export class ResidentLayouts {
  readonly #files: FileStore;
  readonly #loader: LayoutLoader;
  readonly #helper: LayoutLoader;
  readonly #budgetBytes: number;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #entries = new Map<string, Entry>();
  readonly #snapshots = new Map<string, Promise<Snapshot>>();
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: {
    readonly files: FileStore;
    readonly loader: LayoutLoader;
    /** Shares the work of a warm-up. */
    readonly helper: LayoutLoader;
    readonly budgetBytes: number;
    readonly clock: Clock;
    readonly log: Logger;
  }) {
    this.#files = options.files;
    this.#loader = options.loader;
    this.#helper = options.helper;
    this.#budgetBytes = options.budgetBytes;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** The table that has all of the plan's segments; undefined when there is none. Counts as a hit either way. */
  lease(plan: ScanPlan): TableLease | undefined {
    const entry = this.#entry(plan.cube, plan.layout);
    entry.hits.hit(this.#clock.now());
    const { table } = entry;
    const segmentKeys = plan.segments.map(({ id, fileDigest }) => segmentKey(id, fileDigest));
    if (table === undefined || !segmentKeys.every((key) => table.has(key))) return undefined;
    return { table, segmentKeys, release: table.lease() };
  }

  /** Loads the files of one layout in the background, if it is worth the room. */
  want(files: readonly LayoutFile[]): void {
    const [first] = files;
    if (first === undefined || this.#budgetBytes === 0) return;
    const entry = this.#entry(first.cube, first.layout);
    if (entry.wanted || entry.hits.hitCount < entry.retryAtHits) return;
    entry.wanted = true;
    this.#inTurn(async () => {
      try {
        await this.#load(entry, files, loading);
      } finally {
        entry.wanted = false;
      }
    }).catch((error: unknown) => {
      this.#log.warn({ layout: entry.key, error: messageOf(error) }, 'layout-not-loaded');
    });
  }

  async warmUp(files: readonly LayoutFile[], signal: AbortSignal): Promise<WarmUpOutcome> {
    const groups = Map.groupBy(files, ({ cube, layout }) => entryKey(cube, layout)).values();
    await this.#inTurn(() => this.#loadAll([...groups], signal));
    let [loadedFiles, loadedBytes] = [0, 0];
    for (const { cube, layout, segment, fileDigest } of files) {
      const { table } = this.#entry(cube, layout);
      const rows = table?.rowsOf(segmentKey(segment, fileDigest));
      if (rows === undefined) continue;
      loadedFiles++;
      loadedBytes += rows * table!.bytesPerRow;
    }
    return { loadedFiles, loadedBytes };
  }

  /** Resolves when the loads that were asked for so far are done. */
  async settled(): Promise<void> {
    await this.#work;
  }

  pin(cube: string, layouts: readonly string[], pinned: boolean): string[] {
    const ofCube = () => [...this.#entries.values()].filter((entry) => entry.cube === cube);
    const wanted = layouts.length > 0 ? layouts : ofCube().map(({ layout }) => layout);
    for (const layout of wanted) this.#entry(cube, layout).pinned = pinned;
    return ofCube()
      .filter((entry) => entry.pinned)
      .map(({ layout }) => layout)
      .sort();
  }

  forget({ cube, layout, segment, fileDigest }: LayoutFile): void {
    const entry = this.#entries.get(entryKey(cube, layout));
    entry?.table?.forget(segmentKey(segment, fileDigest));
    if (entry?.table?.segmentKeys.length === 0) this.#evict(entry);
  }

  usage(): MemoryUsage {
    const layouts = [...this.#entries.values()].map(({ cube, layout, hits, table, pinned }) => ({
      cube,
      layout,
      memoryBytes: table?.bytes ?? 0,
      segmentsInMemory: table?.segmentKeys.length ?? 0,
      hitCount: hits.hitCount,
      ...(hits.lastHit === undefined ? {} : { lastHit: hits.lastHit }),
      pinned,
    }));
    const memoryBytes = layouts.reduce((sum, each) => sum + each.memoryBytes, 0);
    return { memoryBytes, budgetBytes: this.#budgetBytes, layouts };
  }

  /** A table with a snapshot's rows, loaded when first asked for. */
  async leaseSnapshot(
    project: string,
    id: string,
  ): Promise<{ readonly name: string; readonly release: () => void }> {
    const key = `${project}/${id}`;
    let loaded = this.#snapshots.get(key);
    if (loaded === undefined) {
      loaded = this.#inTurn(() => this.#loadSnapshot(project, id));
      this.#snapshots.set(key, loaded);
      loaded.catch(() => this.#snapshots.delete(key)); // The next scan tries again.
    }
    const snapshot = await loaded;
    snapshot.leases++;
    const release = () => {
      snapshot.leases--;
      this.#dropIfDoomed(snapshot);
    };
    return { name: snapshot.name, release };
  }

  forgetSnapshot(project: string, id: string): void {
    const key = `${project}/${id}`;
    const loaded = this.#snapshots.get(key);
    this.#snapshots.delete(key);
    void loaded?.then((snapshot) => {
      snapshot.doomed = true;
      this.#dropIfDoomed(snapshot);
    });
  }

  #dropIfDoomed(snapshot: Snapshot): void {
    if (!snapshot.doomed || snapshot.leases > 0) return;
    void this.#inTurn(() => this.#loader.dropSnapshot(snapshot.name)).catch(() => {});
  }

  async #loadSnapshot(project: string, id: string): Promise<Snapshot> {
    using file = await this.#files.holdSnapshot(project, id);
    return { name: await this.#loader.loadSnapshot(file.path), leases: 0, doomed: false };
  }

  /** Largest first, each by the loader that is free. A load that fails stops those that have not begun. */
  async #loadAll(groups: readonly (readonly LayoutFile[])[], signal: AbortSignal): Promise<void> {
    using held = new DisposableStack();
    const admitted: AdmittedLoad[] = [];
    try {
      for (const group of groups) {
        const entry = this.#entry(group[0]!.cube, group[0]!.layout);
        const load = await this.#admit(entry, group, held);
        if (load !== undefined) admitted.push(load);
      }
      const bytesOf = ({ entry }: AdmittedLoad) => entry.admitted?.bytes ?? 0;
      const queue = admitted.toSorted((a, b) => bytesOf(b) - bytesOf(a));
      const work = async (loader: LayoutLoader) => {
        try {
          for (let load = queue.shift(); load !== undefined; load = queue.shift()) {
            await this.#fill(load, loader, signal);
          }
        } finally {
          queue.length = 0;
        }
      };
      const done = await Promise.allSettled([work(this.#loader), work(this.#helper)]);
      const failed = done.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    } finally {
      for (const { entry } of admitted) entry.admitted = undefined;
    }
  }

  async #load(entry: Entry, files: readonly LayoutFile[], signal: AbortSignal): Promise<void> {
    using held = new DisposableStack();
    try {
      const load = await this.#admit(entry, files, held);
      if (load !== undefined) await this.#fill(load, this.#loader, signal);
    } finally {
      entry.admitted = undefined;
    }
  }

  /** Makes room for the files that are not loaded yet; undefined when there are none or they are not worth it. */
  async #admit(
    entry: Entry,
    files: readonly LayoutFile[],
    held: DisposableStack,
  ): Promise<AdmittedLoad | undefined> {
    const missing = files.filter(
      ({ segment, fileDigest }) => !entry.table?.has(segmentKey(segment, fileDigest)),
    );
    if (missing.length === 0) return undefined;
    const sources: SegmentFile[] = [];
    for (const layoutFile of missing) {
      const file = held.use(await this.#files.hold(storedName(layoutFile)));
      sources.push({ key: segmentKey(layoutFile.segment, layoutFile.fileDigest), path: file.path });
    }
    const size = await this.#loader.measure(sources);
    const { table } = entry;
    const bytes = (table?.bytes ?? 0) + size.bytes;
    const rowCount = (table?.rowCount ?? 0) + size.rowCount;
    const benefit = this.#benefit(entry, rowCount);
    const newcomer: Resident = { ...this.#resident(entry), bytes, benefit };
    if (!this.#makeRoom(newcomer)) {
      entry.retryAtHits = entry.hits.hitCount * 2;
      return undefined;
    }
    entry.admitted = { bytes, rowCount, begun: false };
    return { entry, sources };
  }

  async #fill({ entry, sources }: AdmittedLoad, loader: LayoutLoader, signal: AbortSignal) {
    if (entry.admitted === undefined) return;
    entry.admitted.begun = true;
    const current = entry.table;
    const table = await loader.load(current, sources, signal);
    entry.admitted = undefined;
    if (table !== current) {
      if (current !== undefined) this.#dropLater(current);
      entry.table = table;
    }
    // What was loaded may be larger than it was thought to be.
    if (!this.#makeRoom(this.#resident(entry))) this.#evict(entry);
  }

  #makeRoom(newcomer: Resident): boolean {
    const residents = [...this.#entries.values()]
      .filter(({ table, admitted }) => table !== undefined || admitted !== undefined)
      .map((entry) => this.#resident(entry));
    const victims = chooseEvictions(residents, newcomer, this.#budgetBytes);
    for (const key of victims ?? []) this.#evict(this.#entries.get(key)!);
    return victims !== undefined;
  }

  #evict(entry: Entry): void {
    const { table } = entry;
    entry.table = undefined;
    entry.admitted = undefined;
    if (table !== undefined) this.#dropLater(table);
  }

  /** Waits for its scans outside the queue of loads, so that a slow reader holds nobody up. */
  #dropLater(table: LayoutTable): void {
    void table
      .free()
      .then(() => this.#inTurn(() => this.#loader.drop(table)))
      .catch((error: unknown) => {
        this.#log.warn({ table: table.name, error: messageOf(error) }, 'layout-not-dropped');
      });
  }

  #resident(entry: Entry): Resident {
    const { key, table, admitted } = entry;
    const rowCount = Math.max(admitted?.rowCount ?? 0, table?.rowCount ?? 0);
    const bytes = Math.max(admitted?.bytes ?? 0, table?.bytes ?? 0);
    const pinned = entry.pinned || admitted?.begun === true;
    return { key, bytes, benefit: this.#benefit(entry, rowCount), pinned };
  }

  /** A layout that nobody has asked for yet counts as if one scan had. */
  #benefit({ hits }: Entry, rowCount: number): number {
    return Math.max(1, hits.recent(this.#clock.now())) * savedMicros(rowCount);
  }

  #entry(cube: string, layout: string): Entry {
    const key = entryKey(cube, layout);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = {
        key,
        cube,
        layout,
        hits: new HitMeter(),
        pinned: false,
        wanted: false,
        retryAtHits: 0,
      };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#work.then(work);
    this.#work = next.catch(() => {});
    return next;
  }
}

const entryKey = (cube: string, layout: string) => `${cube} ${layout}`;
const segmentKey = (segment: string, digest: string) => `${segment} ${digest}`;

export function storedName({ cube, layout, segment, fileDigest }: LayoutFile): StoredFileName {
  return { kind: 'layout', cube, segment, id: layout, fileDigest };
}

export function pathOfLayout(file: LayoutFile): string {
  return storedPath(storedName(file));
}
