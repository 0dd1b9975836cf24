import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { Code, isTesseraError, parseResourceName } from '@tessera/base';
import type { ColumnBatch } from '@tessera/columnar';
import { scanTiles, type Tile, type TileWork } from '@tessera/columnar/tile';
import type { ScanPlan } from '@tessera/cube';
import { queryCancelled } from '@tessera/duckdb';
import type { ResidentSegments } from '../store/resident-layouts.ts';
import { CodeCache } from './code-cache.ts';
import { CodeExpressions } from './code-expressions.ts';
import type { EvaluateInDatabase } from './dictionary-sql.ts';
import { NotForTiles } from './not-for-tiles.ts';
import type { SnapshotColumns } from './snapshots.ts';
import { type PreparedScan, ScanPreparation } from './tile-scan.ts';

/** How long a scan may hold the process before others get their turn. */
const sliceMs = 4;

export interface ReadyScan extends PreparedScan {
  readonly tiles: readonly Tile[];
}

export interface ScannedTiles {
  readonly batch: ColumnBatch;
  readonly work: TileWork;
}

/** Runs scan plans over tiles. */
export class TileScanner {
  readonly #snapshots: SnapshotColumns;
  readonly #evaluate: EvaluateInDatabase;
  readonly #cache = new CodeCache();

  constructor(snapshots: SnapshotColumns, evaluate: EvaluateInDatabase) {
    this.#snapshots = snapshots;
    this.#evaluate = evaluate;
  }

  /**
   * The plan has no parameters. Undefined: it is not for tiles. With `uncoded` it would be if that column had codes.
   * @throws BAD_SCAN_PLAN, SNAPSHOT_NOT_STORED, LAYOUT_CORRUPTED.
   */
  async prepare(
    plan: ScanPlan,
    { layout, segmentKeys }: ResidentSegments,
  ): Promise<ReadyScan | { readonly uncoded: string } | undefined> {
    const parts = { evaluate: this.#evaluate, cache: this.#cache };
    const expressions = new CodeExpressions(layout, plan, parts);
    const { project } = parseResourceName(plan.cube, 'projects/{project}/cubes/{cube}');
    const tiles = layout.tiles(segmentKeys);
    try {
      for (const join of plan.lookups) {
        await expressions.addLookup(join, () => this.#snapshots.read(project!, join));
      }
      const prepared = await new ScanPreparation(plan, layout, tiles, expressions).prepare();
      return { ...prepared, tiles };
    } catch (error) {
      if (error instanceof NotForTiles) {
        return error.uncoded === undefined ? undefined : { uncoded: error.uncoded };
      }
      // An expression failed for a value; whether a row that passes has it only a scan of rows can tell.
      if (isValueError(error)) return undefined;
      throw error;
    }
  }

  async run({ tiles, scan, batch }: ReadyScan, signal: AbortSignal): Promise<ScannedTiles> {
    const steps = scanTiles(tiles, scan);
    let begun = performance.now();
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done) return { batch: batch(step.value), work: step.value.work };
      if (performance.now() - begun < sliceMs) continue;
      await setImmediate();
      if (signal.aborted) throw queryCancelled();
      begun = performance.now();
    }
  }
}

function isValueError(error: unknown): boolean {
  if (!isTesseraError(error) || error.reason === 'BAD_SCAN_PLAN') return false;
  return error.code === Code.INVALID_ARGUMENT || error.code === Code.OUT_OF_RANGE;
}
