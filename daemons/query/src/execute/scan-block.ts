import type { CuboidScanner, ScanOptions } from '@tessera/client';
import {
  batchBytes,
  type ColumnBatch,
  emptyBatch,
  mergePartials,
  type Value,
} from '@tessera/columnar';
import type { MatchedBlock, ScanPlan } from '@tessera/cube';
import { inSpan } from '@tessera/telemetry';
import type { StatementMemory } from '../admission/memory-budget.ts';
import { resultTooLarge } from '../errors.ts';
import { onceMore } from './once-more.ts';
import { isUnreadable, Unreadable } from './unreadable.ts';

export interface ScanContext {
  readonly scanner: CuboidScanner;
  readonly parameters: readonly Value[];
  readonly signal: AbortSignal;
  readonly maxBytes: number;
  readonly memory: StatementMemory;
  readonly onDaemonWork?: ScanOptions['onDaemonWork'];
}

/** The rows of one matched block: its scans and what `holes` gives, merged where there is more than one part. */
export async function scanBlock(
  block: MatchedBlock,
  context: ScanContext,
  holes: Promise<ColumnBatch> | undefined,
): Promise<ColumnBatch> {
  const parts = block.scans.map((scan) =>
    inSpan('scan', attributesOf(scan), () =>
      onceMore(() => collect(scan, context), context.signal),
    ),
  );
  const [scanned, fromSource] = await Promise.all([Promise.all(parts), holes]);
  const batches = scanned.flat().concat(fromSource ?? []);
  const sameShape = batches.map((batch) => ({ ...batch, schema: block.schema }));
  if (sameShape.length === 0) return emptyBatch(block.schema);
  if (sameShape.length === 1) return sameShape[0]!;
  return inSpan('merge', { 'tessera.parts': sameShape.length }, () =>
    mergePartials(sameShape, block.keyCount, block.merge),
  );
}

function attributesOf({ cube, layout, segments }: ScanPlan) {
  return {
    'tessera.cube': cube,
    'tessera.layout': layout,
    'tessera.segments': segments.length,
  };
}

async function collect(scan: ScanPlan, context: ScanContext): Promise<ColumnBatch[]> {
  const { scanner, parameters, signal, maxBytes, memory, onDaemonWork } = context;
  const options = { parameters, signal, ...(onDaemonWork && { onDaemonWork }) };
  const batches: ColumnBatch[] = [];
  let bytes = 0;
  try {
    for await (const batch of scanner.scan(scan, options)) {
      const size = batchBytes(batch);
      memory.hold(size);
      bytes += size;
      if (bytes > maxBytes) throw resultTooLarge('bytes', maxBytes);
      if (batch.rowCount > 0) batches.push(batch);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (isUnreadable(error)) throw new Unreadable({ kind: 'layout', scan }, error);
    throw error;
  }
  return batches;
}
