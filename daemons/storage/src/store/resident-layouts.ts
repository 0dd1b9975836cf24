import { type Clock, messageOf } from '@tessera/base';
import type { Logger } from '@tessera/daemon';
import type { FileStore } from '../files/file-store.ts';
import { LayoutTiles, type SegmentTile } from '../tiles/layout-tiles.ts';
import type { TileLoader } from '../tiles/tile-loader.ts';
import type { MemoryUsage, WarmUpOutcome } from './cuboid-store.ts';
import { chooseEvictions, HitMeter, type Resident, savedMicros } from './eviction.ts';
import { type LayoutFile, storedName } from './layout-file.ts';

/** A layout that was asked for, over all its segments; in memory when it has tiles. */
interface Entry {
  readonly key: string;
  readonly cube: string;
  readonly layout: string;
  readonly hits: HitMeter;
  tiles?: LayoutTiles | undefined;
  pinned: boolean;
  /** Set while a load that a scan asked for is queued. */
  wanted: boolean;
  /** What it will be when the load that it was admitted for is done; absent when it gave way to a better one. */
  admitted?: { readonly bytes: number; readonly rowCount: number; begun: boolean } | undefined;
  /** Set when it was not worth the room: tried again at this many hits. */
  retryAtHits: number;
  /** Segments that were forgotten while files were being loaded. */
  readonly forgotten: Set<string>;
}

/** A load for which there was room. */
interface AdmittedLoad {
  readonly entry: Entry;
  readonly sources: readonly SegmentFile[];
}

/** A segment's file that is to be loaded. */
interface SegmentFile {
  readonly key: string;
  readonly path: string;
}

/** Tiles of some segments of a layout. They never change: whoever has them may go on while others are loaded. */
export interface ResidentSegments {
  readonly layout: LayoutTiles;
  readonly segmentKeys: readonly string[];
}

const loading = new AbortController().signal;

/**
 * What is in memory. Loads that scans asked for run one after another on a connection of their own, those of a
 * warm-up on two; scans never wait for them.
 */
export class ResidentLayouts {
  readonly #files: FileStore;
  readonly #loader: TileLoader;
  readonly #helper: TileLoader;
  readonly #budgetBytes: number;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #entries = new Map<string, Entry>();
  readonly #coding = new Map<string, Promise<LayoutTiles>>();
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: {
    readonly files: FileStore;
    readonly loader: TileLoader;
    /** Shares the work of a warm-up. */
    readonly helper: TileLoader;
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

  /** The tiles of files of one layout; undefined when they are not all in memory. Counts as a hit either way. */
  find(files: readonly LayoutFile[]): ResidentSegments | undefined {
    const entry = this.#entry(files[0]!.cube, files[0]!.layout);
    entry.hits.hit(this.#clock.now());
    const { tiles } = entry;
    const segmentKeys = files.map(({ segment, fileDigest }) => segmentKey(segment, fileDigest));
    if (tiles === undefined || !segmentKeys.every((key) => tiles.has(key))) return undefined;
    return { layout: tiles, segmentKeys };
  }

  /** Gives a column of a layout in memory codes, so that it can be grouped and filtered by. */
  async addCodes({ cube, layout }: LayoutFile, column: string): Promise<void> {
    const entry = this.#entry(cube, layout);
    const { tiles } = entry;
    if (tiles === undefined || tiles.codedName(column) !== undefined) return;
    const key = `${entry.key} ${column}`;
    const running = this.#coding.get(key) ?? tiles.withCodes(column);
    this.#coding.set(key, running);
    try {
      const coded = await running;
      // What was loaded or forgotten meanwhile counts more; the next scan asks again.
      if (entry.tiles === tiles) this.#replace(entry, coded);
    } finally {
      this.#coding.delete(key);
    }
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
      const bytes = this.#entry(cube, layout).tiles?.bytesOf(segmentKey(segment, fileDigest));
      if (bytes === undefined) continue;
      loadedFiles++;
      loadedBytes += bytes;
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
    const key = segmentKey(segment, fileDigest);
    if (entry?.admitted?.begun === true) entry.forgotten.add(key);
    if (entry?.tiles?.has(key) !== true) return;
    entry.tiles = entry.tiles.without(key);
    if (entry.tiles.segmentKeys.length === 0) this.#evict(entry);
  }

  usage(): MemoryUsage {
    const layouts = [...this.#entries.values()].map(({ cube, layout, hits, tiles, pinned }) => ({
      cube,
      layout,
      memoryBytes: tiles?.bytes ?? 0,
      segmentsInMemory: tiles?.segmentKeys.length ?? 0,
      hitCount: hits.hitCount,
      ...(hits.lastHit === undefined ? {} : { lastHit: hits.lastHit }),
      pinned,
    }));
    const memoryBytes = layouts.reduce((sum, each) => sum + each.memoryBytes, 0);
    return { memoryBytes, budgetBytes: this.#budgetBytes, layouts };
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
      const work = async (loader: TileLoader) => {
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
      ({ segment, fileDigest }) => !entry.tiles?.has(segmentKey(segment, fileDigest)),
    );
    if (missing.length === 0) return undefined;
    const sources: SegmentFile[] = [];
    for (const layoutFile of missing) {
      const file = held.use(await this.#files.hold(storedName(layoutFile)));
      sources.push({ key: segmentKey(layoutFile.segment, layoutFile.fileDigest), path: file.path });
    }
    const size = await this.#loader.measure(sources.map(({ path }) => path));
    const { tiles } = entry;
    const bytes = (tiles?.bytes ?? 0) + size.bytes;
    const rowCount = (tiles?.rowCount ?? 0) + size.rowCount;
    const benefit = this.#benefit(entry, rowCount);
    const newcomer: Resident = { ...this.#resident(entry), bytes, benefit };
    if (!this.#makeRoom(newcomer)) {
      entry.retryAtHits = entry.hits.hitCount * 2;
      return undefined;
    }
    entry.admitted = { bytes, rowCount, begun: false };
    return { entry, sources };
  }

  async #fill({ entry, sources }: AdmittedLoad, loader: TileLoader, signal: AbortSignal) {
    if (entry.admitted === undefined) return;
    entry.admitted.begun = true;
    const loaded = new Map<string, SegmentTile>();
    for (const { key, path } of sources) {
      const segment = await loader.load(path, signal);
      if (segment !== undefined) loaded.set(key, segment);
      else entry.retryAtHits = Infinity;
    }
    let tiles = loaded.size === 0 ? entry.tiles : await LayoutTiles.of(entry.tiles, loaded);
    for (const key of entry.forgotten) tiles = tiles?.without(key);
    entry.forgotten.clear();
    entry.admitted = undefined;
    if (tiles !== undefined && tiles.segmentKeys.length > 0) this.#replace(entry, tiles);
  }

  /** What was made may be larger than it was thought to be. */
  #replace(entry: Entry, tiles: LayoutTiles): void {
    entry.tiles = tiles;
    if (!this.#makeRoom(this.#resident(entry))) this.#evict(entry);
  }

  #makeRoom(newcomer: Resident): boolean {
    const residents = [...this.#entries.values()]
      .filter(({ tiles, admitted }) => tiles !== undefined || admitted !== undefined)
      .map((entry) => this.#resident(entry));
    const victims = chooseEvictions(residents, newcomer, this.#budgetBytes);
    for (const key of victims ?? []) this.#evict(this.#entries.get(key)!);
    return victims !== undefined;
  }

  #evict(entry: Entry): void {
    entry.tiles = undefined;
    entry.admitted = undefined;
  }

  #resident(entry: Entry): Resident {
    const { key, tiles, admitted } = entry;
    const rowCount = Math.max(admitted?.rowCount ?? 0, tiles?.rowCount ?? 0);
    const bytes = Math.max(admitted?.bytes ?? 0, tiles?.bytes ?? 0);
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
        forgotten: new Set(),
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
