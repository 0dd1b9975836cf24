import { type ColumnBatch, decodeArrow, type Value } from '@tessera/columnar';
import type { ScanPlan } from '@tessera/cube';
import type { storage } from '@tessera/proto';
import type { TesseraClient } from '../clients.ts';
import type { DaemonWork } from '../resources/daemon-work.ts';
import { scanParametersToProto, scanPlanToProto } from '../resources/scan-plan.ts';
import { type ScanWork, scanWorkFromProto } from '../resources/scan-work.ts';
import { wireBytesOf } from './message-sizes.ts';

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
  /** Told the bytes of each message of one call; never called in process. */
  readonly onWireBytes?: (bytes: WireBytes) => void;
  /** Told by a storage daemon what the scan took, when it is over and nothing failed. */
  readonly onScanWork?: (work: ScanWork) => void;
  /** Told by whoever calls storage daemons of each call when it is over. */
  readonly onDaemonWork?: (work: DaemonWork) => void;
}

/** Bytes of one message as DaemonWork counts them. */
export interface WireBytes {
  readonly way: 'sent' | 'received';
  readonly bytes: number;
}

/** How one scan is asked of a storage daemon: by a call of its own, or by `ScanLanes`. */
export type ScanCalls = Pick<TesseraClient['storage'], 'scanCuboid'>;

/** Scans by a storage daemon over gRPC. */
export class RemoteCuboidScanner implements CuboidScanner {
  readonly #calls: ScanCalls;

  constructor(calls: ScanCalls) {
    this.#calls = calls;
  }

  async *scan(
    plan: ScanPlan,
    { parameters, signal, onWireBytes, onScanWork }: ScanOptions,
  ): AsyncIterable<ColumnBatch> {
    const request = {
      plan: scanPlanToProto(plan),
      parameters: scanParametersToProto(plan, parameters),
    };
    let last: storage.ScanCuboidResponse | undefined;
    for await (const response of this.#calls.scanCuboid(request, { signal })) {
      if (last === undefined) onWireBytes?.({ way: 'sent', bytes: wireBytesOf(request) });
      last = response;
      onWireBytes?.({ way: 'received', bytes: wireBytesOf(response) });
      if (response.batch !== undefined) yield decodeArrow(response.batch.arrowIpc);
    }
    if (last?.work !== undefined) onScanWork?.(scanWorkFromProto(last.work));
  }
}
