import { type Clock, isTesseraError } from '@tessera/base';
import type { ScanOptions } from '@tessera/client';
import { type ColumnBatch, sliceBatch } from '@tessera/columnar';
import { emptyScan, type ScanPlan } from '@tessera/cube';
import { type AdmissionQueue, queryCancelled } from '@tessera/duckdb';
import { noteOnSpan } from '@tessera/telemetry';
import { scanQueueFull } from '../errors.ts';
import { planWithValues } from '../tiles/plan-with-values.ts';
import type { ReadyScan, ScannedTiles, TileScanner } from '../tiles/tile-scanner.ts';
import type { CuboidStore, MemoryUsage, WarmUpOutcome } from './cuboid-store.ts';
import type { FileScanner } from './file-scanner.ts';
import { filesOf, type LayoutFile, projectOf } from './layout-file.ts';
import type { ScanObserver } from './measure-scans.ts';
import type { ResidentLayouts } from './resident-layouts.ts';
import { ScanWatch } from './scan-watch.ts';

/** Rows of a batch at most. */
const batchRows = 65_536;

/**
 * Scans tiles where the layout is in memory and the plan is for them, else the verified files; then the layout
 * is loaded in the background if the budget has room for what it is worth.
 */
export class MemoryFirstStore implements CuboidStore {
  readonly #resident: ResidentLayouts;
  readonly #tiles: TileScanner;
  readonly #files: FileScanner;
  readonly #queue: AdmissionQueue;
  readonly #clock: Clock;
  readonly #observe: ScanObserver;

  constructor(parts: {
    readonly resident: ResidentLayouts;
    readonly tiles: TileScanner;
    readonly files: FileScanner;
    readonly queue: AdmissionQueue;
    readonly clock: Clock;
    readonly observe: ScanObserver;
  }) {
    this.#resident = parts.resident;
    this.#tiles = parts.tiles;
    this.#files = parts.files;
    this.#queue = parts.queue;
    this.#clock = parts.clock;
    this.#observe = parts.observe;
  }

  async *execute(
    unbound: ScanPlan,
    { parameters, signal, onScanWork }: ScanOptions,
  ): AsyncGenerator<ColumnBatch, void, undefined> {
    signal.throwIfAborted();
    const plan = planWithValues(unbound, parameters);
    if (plan.segments.length === 0 || plan.aggregates.length + plan.groupBy.length === 0) {
      yield emptyScan(plan);
      return;
    }
    const files = filesOf(plan);
    const watch = new ScanWatch(this.#clock);
    const scanned = await this.#fromTiles(plan, files, watch, signal);
    const source = scanned === undefined ? 'files' : 'tiles';
    noteOnSpan({ 'tessera.from': source });
    if (scanned !== undefined) yield* slices(scanned.batch, signal);
    else yield* this.#fromFiles(plan, files, signal);
    this.#observe(source, watch.startedMs);
    onScanWork?.(watch.work(source, scanned?.work));
  }

  async #fromTiles(
    plan: ScanPlan,
    files: readonly LayoutFile[],
    watch: ScanWatch,
    signal: AbortSignal,
  ): Promise<ScannedTiles | undefined> {
    try {
      await this.#queue.admit(signal, { flow: projectOf(plan.cube) });
    } catch (error) {
      throw asScanFailure(error);
    }
    watch.admitted();
    try {
      const ready = await this.#prepare(plan, files);
      return ready && (await this.#tiles.run(ready, signal));
    } finally {
      this.#queue.release();
    }
  }

  async *#fromFiles(plan: ScanPlan, files: readonly LayoutFile[], signal: AbortSignal) {
    try {
      yield* this.#files.scan(plan, files, signal);
    } catch (error) {
      throw asScanFailure(error);
    }
  }

  /** Undefined: the files are to be scanned. */
  async #prepare(plan: ScanPlan, files: readonly LayoutFile[]): Promise<ReadyScan | undefined> {
    const tried = new Set<string>();
    for (;;) {
      const resident = this.#resident.find(files);
      if (resident === undefined) {
        this.#resident.want(files);
        return undefined;
      }
      const ready = await this.#tiles.prepare(plan, resident);
      if (ready === undefined || 'scan' in ready) return ready;
      if (tried.has(ready.uncoded)) return undefined;
      tried.add(ready.uncoded);
      await this.#resident.addCodes(files[0]!, ready.uncoded);
    }
  }

  warmUp(files: readonly LayoutFile[], signal: AbortSignal): Promise<WarmUpOutcome> {
    return this.#resident.warmUp(files, signal);
  }

  pin(cube: string, layouts: readonly string[], pinned: boolean): readonly string[] {
    return this.#resident.pin(cube, layouts, pinned);
  }

  forget(file: LayoutFile): void {
    this.#resident.forget(file);
  }

  usage(): MemoryUsage {
    return this.#resident.usage();
  }
}

function asScanFailure(error: unknown): unknown {
  return isTesseraError(error, 'QUERY_QUEUE_FULL') ? scanQueueFull(error) : error;
}

function* slices(batch: ColumnBatch, signal: AbortSignal): Generator<ColumnBatch, void, undefined> {
  if (batch.rowCount <= batchRows) {
    yield batch;
    return;
  }
  for (let start = 0; start < batch.rowCount; start += batchRows) {
    if (signal.aborted) throw queryCancelled();
    yield sliceBatch(batch, start, start + batchRows);
  }
}
