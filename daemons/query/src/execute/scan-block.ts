import { Code, isTesseraError, type TesseraError } from '@tessera/base';
import type { CuboidScanner } from '@tessera/client';
import {
  batchBytes,
  type ColumnBatch,
  emptyBatch,
  mergePartials,
  type Value,
} from '@tessera/columnar';
import type { MatchedBlock, ScanPlan } from '@tessera/cube';
import { resultTooLarge } from '../errors.ts';

/** A layout that cannot be read although the metadata names it: to be left out of the next plan. */
export class LayoutUnreadable extends Error {
  readonly scan: ScanPlan;
  override readonly cause: TesseraError;

  constructor(scan: ScanPlan, cause: TesseraError) {
    super(cause.message);
    this.scan = scan;
    this.cause = cause;
  }
}

export interface ScanContext {
  readonly scanner: CuboidScanner;
  readonly parameters: readonly Value[];
  readonly signal: AbortSignal;
  readonly maxBytes: number;
}

/** The rows of one matched block: its scans and what `holes` gives, merged where there is more than one part. */
export async function scanBlock(
  block: MatchedBlock,
  context: ScanContext,
  holes: Promise<ColumnBatch> | undefined,
): Promise<ColumnBatch> {
  const parts = block.scans.map((scan) => scanOnce(scan, context));
  const [scanned, fromSource] = await Promise.all([Promise.all(parts), holes]);
  const batches = scanned.flat().concat(fromSource ?? []);
  const sameShape = batches.map((batch) => ({ ...batch, schema: block.schema }));
  if (sameShape.length === 0) return emptyBatch(block.schema);
  if (sameShape.length === 1) return sameShape[0]!;
  return mergePartials(sameShape, block.keyCount, block.merge);
}

/** A scanner that is away is asked a second time. */
async function scanOnce(scan: ScanPlan, context: ScanContext): Promise<ColumnBatch[]> {
  try {
    return await collect(scan, context);
  } catch (error) {
    context.signal.throwIfAborted();
    if (isTesseraError(error) && error.code === Code.UNAVAILABLE) return collect(scan, context);
    throw error;
  }
}

async function collect(scan: ScanPlan, context: ScanContext): Promise<ColumnBatch[]> {
  const { scanner, parameters, signal, maxBytes } = context;
  const batches: ColumnBatch[] = [];
  let bytes = 0;
  try {
    for await (const batch of scanner.scan(scan, { parameters, signal })) {
      bytes += batchBytes(batch);
      if (bytes > maxBytes) throw resultTooLarge('bytes', maxBytes);
      if (batch.rowCount > 0) batches.push(batch);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (isUnreadable(error)) throw new LayoutUnreadable(scan, error);
    throw error;
  }
  return batches;
}

const unreadableReasons: ReadonlySet<string> = new Set([
  'LAYOUT_CORRUPTED',
  'SEGMENT_CORRUPT',
  'LAYOUT_NOT_STORED',
  'SNAPSHOT_NOT_STORED',
  'FILE_NOT_STORED',
]);

function isUnreadable(error: unknown): error is TesseraError {
  if (!isTesseraError(error)) return false;
  return error.code === Code.DATA_LOSS || unreadableReasons.has(error.reason);
}
