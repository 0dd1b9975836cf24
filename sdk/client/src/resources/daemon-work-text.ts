import type { DaemonWork } from './daemon-work.ts';
import type { ScanWork } from './scan-work.ts';

/** One call to a storage daemon for people, in a line or, when its scan came to an end, two. */
export function formatDaemonWork(call: DaemonWork): readonly string[] {
  const { daemon, attempt, outcome, segmentCount, work } = call;
  const pruned =
    work === undefined || work.segmentsPruned === 0 ? '' : ` (${work.segmentsPruned} pruned)`;
  const wire = `${call.sentBytes} bytes sent, ${call.wireBytes} received`;
  const head = `Storage ${daemon}: ${attempt} call ${outcome} in ${timesOf(call)}; ${segmentCount} segments${pruned}, ${call.rowCount} rows returned, ${wire}`;
  return work === undefined ? [head] : [head, `  ${readOf(work)}`];
}

function timesOf({ micros, work }: DaemonWork): string {
  const total = milliseconds(micros);
  if (work === undefined) return total;
  const { queueMicros, scanMicros } = work;
  const rest = milliseconds(Math.max(0, micros - queueMicros - scanMicros));
  return `${total} (queued ${milliseconds(queueMicros)}, scanned ${milliseconds(scanMicros)}, wire ${rest})`;
}

function readOf({ source, rowsScanned, blocksRead, blocksPruned }: ScanWork): string {
  if (source === 'files') return 'read from files';
  return `read from tiles: ${rowsScanned} rows in ${blocksRead} blocks, ${blocksPruned} blocks pruned`;
}

function milliseconds(micros: number): string {
  return `${(micros / 1_000).toFixed(2)} ms`;
}
