import type { Clock } from '@tessera/base';
import type { CuboidScanner, ScanOptions } from '@tessera/client';
import type { ColumnBatch } from '@tessera/columnar';
import { emptyScan, filesOf, type ScanPlan } from '@tessera/cube';
import { BroadcastScan } from './broadcast-scan.ts';
import { Hedging, type HedgingOptions } from './hedging.ts';
import { NodeStandings } from './node-standings.ts';
import { ScanCosts } from './scan-costs.ts';
import type { SegmentLocator } from './segment-locator.ts';
import type { NodesNow } from './storage-node.ts';

export interface BroadcastParts {
  readonly nodes: NodesNow;
  readonly locator: SegmentLocator;
  readonly clock: Clock;
  /** Bytes of columns that one daemon may answer with. */
  readonly maxPartialBytes: number;
  readonly hedging?: HedgingOptions;
}

/**
 * Scans cuboids that several storage daemons hold. Each is sent one plan with the segments that it is asked for, and
 * what comes back is merged; where one daemon has all of them, its rows are the answer. A daemon that fails or is late
 * is replaced by other replicas, and nothing of a call that failed is kept.
 *
 * @throws SEGMENT_UNREACHABLE when no replica answers; LAYOUT_NOT_STORED, LAYOUT_CORRUPTED when none has the file.
 */
export class BroadcastScanner implements CuboidScanner {
  readonly #nodes: NodesNow;
  readonly #locator: SegmentLocator;
  readonly #clock: Clock;
  readonly #maxPartialBytes: number;
  readonly #standings: NodeStandings;
  readonly #hedging: Hedging;
  readonly #costs = new ScanCosts();

  constructor({ nodes, locator, clock, maxPartialBytes, hedging }: BroadcastParts) {
    this.#nodes = nodes;
    this.#locator = locator;
    this.#clock = clock;
    this.#maxPartialBytes = maxPartialBytes;
    this.#standings = new NodeStandings(clock);
    this.#hedging = new Hedging(hedging);
  }

  async *scan(plan: ScanPlan, options: ScanOptions): AsyncGenerator<ColumnBatch, void, undefined> {
    options.signal.throwIfAborted();
    if (plan.segments.length === 0 || plan.aggregates.length + plan.groupBy.length === 0) {
      yield emptyScan(plan);
      return;
    }
    const files = filesOf(plan);
    const replicas = await this.#locator.locate(files, options.signal);
    const scan = new BroadcastScan(plan, files, replicas, options, {
      nodes: this.#nodes(),
      locator: this.#locator,
      clock: this.#clock,
      standings: this.#standings,
      hedging: this.#hedging,
      costs: this.#costs,
      maxPartialBytes: this.#maxPartialBytes,
    });
    try {
      yield* await scan.rows();
    } catch (error) {
      options.signal.throwIfAborted(); // Whatever it broke on the way.
      throw error;
    }
  }
}
