import { type ColumnBatch, decodeArrow, type Value } from '@tessera/columnar';
import type { ScanPlan } from '@tessera/cube';
import type { TesseraClient } from '../clients.ts';
import { malformedMessage } from '../errors.ts';
import type { DaemonWork } from '../resources/daemon-work.ts';
import { scanParametersToProto, scanPlanToProto } from '../resources/scan-plan.ts';

/**
 * Executes scan plans, wherever the cuboids are. The batches have the columns that `ScanPlan` promises, in any
 * order of rows; there may be none. Ends with CANCELLED when the signal is aborted, and stops when nobody reads.
 */
export interface CuboidScanner {
  scan(plan: ScanPlan, options: ScanOptions): AsyncIterable<ColumnBatch>;
}

export interface ScanOptions {
  /** Values of the plan's parameters, $1 first. */
  readonly parameters: readonly Value[];
  readonly signal: AbortSignal;
  /** Told the size of each encoded batch that came over the wire; never called in process. */
  readonly onWireBytes?: (bytes: number) => void;
  /** Told of each call to a daemon of several when it is over; never called where there is just one. */
  readonly onDaemonWork?: (work: DaemonWork) => void;
}

/** Scans by a storage daemon over gRPC. */
export class RemoteCuboidScanner implements CuboidScanner {
  readonly #storage: TesseraClient['storage'];

  constructor(storage: TesseraClient['storage']) {
    this.#storage = storage;
  }

  async *scan(
    plan: ScanPlan,
    { parameters, signal, onWireBytes }: ScanOptions,
  ): AsyncIterable<ColumnBatch> {
    const request = {
      plan: scanPlanToProto(plan),
      parameters: scanParametersToProto(plan, parameters),
    };
    for await (const { batch } of this.#storage.scanCuboid(request, { signal })) {
      if (batch === undefined) throw malformedMessage('A scan response', 'it has no batch');
      onWireBytes?.(batch.arrowIpc.length);
      yield decodeArrow(batch.arrowIpc);
    }
  }
}
