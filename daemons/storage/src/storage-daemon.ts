import { type Clock, parseResourceName } from '@tessera/base';
import type { CuboidScanner, ScanOptions, SnapshotRead, SnapshotReader } from '@tessera/client';
import type { ColumnBatch } from '@tessera/columnar';
import type { ScanPlan } from '@tessera/cube';
import { inSpanStream } from '@tessera/telemetry';
import type { Collected, FileStore, VerifyOutcome } from './files/file-store.ts';
import type { FoundFile } from './files/file-system.ts';
import type { IngestedFile, PreparedIngest, StagedFile } from './files/ingest.ts';
import { parseStoredPath } from './files/stored-path.ts';
import { type StorageStats, statsOf } from './storage-stats.ts';
import type { CuboidStore, WarmUpOutcome } from './store/cuboid-store.ts';
import type { LayoutFile } from './store/layout-file.ts';
import type { SnapshotTables } from './store/snapshot-tables.ts';
import type { TileLoader } from './tiles/tile-loader.ts';

/** Files older than this that no resource names are orphans: whoever wrote them has published or given up. */
export const defaultGraceMicros = 86_400_000_000n;

/** What the storage daemon does, whoever calls it: its service, or a daemon in the same process. */
export class StorageDaemon implements CuboidScanner, SnapshotReader {
  readonly #files: FileStore;
  readonly #store: CuboidStore;
  readonly #snapshots: SnapshotReader;
  readonly #snapshotTables: SnapshotTables;
  readonly #loader: TileLoader;
  readonly #clock: Clock;
  /** Rows of files by path: a path's content never changes. */
  readonly #rowCounts = new Map<string, bigint>();

  constructor(parts: {
    readonly files: FileStore;
    readonly store: CuboidStore;
    readonly snapshots: SnapshotReader;
    readonly snapshotTables: SnapshotTables;
    readonly loader: TileLoader;
    readonly clock: Clock;
  }) {
    this.#files = parts.files;
    this.#store = parts.store;
    this.#snapshots = parts.snapshots;
    this.#snapshotTables = parts.snapshotTables;
    this.#loader = parts.loader;
    this.#clock = parts.clock;
  }

  scan(plan: ScanPlan, options: ScanOptions): AsyncIterable<ColumnBatch> {
    const attributes = { 'tessera.layout': plan.layout, 'tessera.segments': plan.segments.length };
    return inSpanStream('storage.scan', attributes, () => this.#store.execute(plan, options));
  }

  readSnapshot(read: SnapshotRead, signal: AbortSignal): AsyncIterable<ColumnBatch> {
    return inSpanStream('storage.snapshot', { 'tessera.snapshot': read.snapshot }, () =>
      this.#snapshots.readSnapshot(read, signal),
    );
  }

  prepareIngest(cube: string, key: string, token?: bigint): Promise<PreparedIngest> {
    return this.#files.prepareIngest(cube, key, token);
  }

  async commitIngest(ingest: string, files: readonly StagedFile[]): Promise<IngestedFile[]> {
    return this.#files.commitIngest(ingest, files);
  }

  abortIngest(ingest: string): Promise<void> {
    return this.#files.abortIngest(ingest);
  }

  locate(files: readonly string[]): Promise<string[]> {
    return this.#files.locate(files);
  }

  /** Deletes stored files from memory and disk; those that are read go when the last reader is done. */
  async drop(
    files: readonly string[],
  ): Promise<{ readonly deletedFiles: number; readonly deletedBytes: number }> {
    for (const file of files) this.#forget(file);
    return this.#files.drop(files);
  }

  warmUp(files: readonly LayoutFile[], signal: AbortSignal): Promise<WarmUpOutcome> {
    return this.#store.warmUp(files, signal);
  }

  pin(cube: string, layouts: readonly string[], pinned: boolean): readonly string[] {
    parseResourceName(cube, 'projects/{project}/cubes/{cube}');
    return this.#store.pin(cube, layouts, pinned);
  }

  async verify(files: readonly string[], signal?: AbortSignal): Promise<VerifyOutcome> {
    const outcome = await this.#files.verify(files, signal);
    for (const file of outcome.quarantinedFiles) this.#forget(file);
    return outcome;
  }

  /** Which of the files are not there, or are in quarantine; nothing is read. */
  missing(files: readonly string[]): Promise<string[]> {
    return this.#files.missing(files);
  }

  /**
   * Deletes what no resource names: stored files outside `referenced` (relative to the store's folder) and
   * abandoned staging directories. A file goes when it was seen unreferenced for `graceMicros`, so that readers who
   * planned with it can finish and what is taken in but not published yet stays. Of the projects that `busy`
   * cubes lie in nothing is touched.
   */
  async reconcile(
    referenced: ReadonlySet<string>,
    graceMicros: bigint = defaultGraceMicros,
    busy: readonly string[] = [],
  ): Promise<Collected> {
    const nowMs = Number(this.#clock.now() / 1_000n);
    const graceMs = Number(graceMicros / 1_000n);
    const collected = await this.#files.collect({ referenced, busy, nowMs, graceMs });
    for (const file of collected.files) this.#forget(file);
    return collected;
  }

  /** Bytes of all stored files, and how many are in quarantine. */
  async totals(): Promise<{ readonly storedBytes: number; readonly quarantinedFiles: number }> {
    const stored = await this.#files.list();
    const quarantined = await this.#files.listQuarantined();
    const storedBytes = stored.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return { storedBytes, quarantinedFiles: quarantined.length };
  }

  async stats(cube?: string): Promise<StorageStats> {
    const stored = await this.#files.list();
    const rowCounts = new Map<string, bigint>();
    for (const file of stored) {
      if (parseStoredPath(file.path)?.kind !== 'layout') continue;
      rowCounts.set(file.path, await this.#rowCount(file));
    }
    const quarantined = await this.#files.listQuarantined();
    return statsOf({ stored, quarantined, rowCounts, usage: this.#store.usage(), cube });
  }

  /** A file whose footer cannot be read counts no rows here; a scan or `verify` finds out what is wrong with it. */
  async #rowCount({ path }: FoundFile): Promise<bigint> {
    const known = this.#rowCounts.get(path);
    if (known !== undefined) return known;
    const [absolute] = await this.#files.locate([path]);
    const counted = await this.#loader.countRows(absolute!).catch(() => undefined);
    if (counted !== undefined) this.#rowCounts.set(path, counted);
    return counted ?? 0n;
  }

  #forget(file: string): void {
    const name = parseStoredPath(file);
    this.#rowCounts.delete(file);
    if (name?.kind === 'snapshot') this.#snapshotTables.forget(name.project, name.id);
    if (name?.kind !== 'layout') return;
    const { cube, segment, id, fileDigest } = name;
    this.#store.forget({ cube: cube!, layout: id, segment: segment!, fileDigest });
  }
}
