import { storage } from '@tessera/proto';
import { enumPair } from './enum-pair.ts';

/** What a storage daemon did for one scan. */
export interface ScanWork {
  readonly source: 'tiles' | 'files';
  /** Waiting for its turn. */
  readonly queueMicros: number;
  /** From its turn to the last row. */
  readonly scanMicros: number;
  /** These are of tiles; 0 for files, as DuckDB does not tell. */
  readonly rowsScanned: number;
  readonly blocksRead: number;
  /** Left out because none of their rows can pass the filter. */
  readonly blocksPruned: number;
  /** Of which all blocks were. */
  readonly segmentsPruned: number;
}

const sources = enumPair<ScanWork['source']>('scan source', {
  tiles: storage.ScanSource.SCAN_SOURCE_TILES,
  files: storage.ScanSource.SCAN_SOURCE_FILES,
});

export function scanWorkToProto(work: ScanWork): storage.ScanWork {
  return {
    source: sources.toProto(work.source) as storage.ScanSource,
    queueMicros: BigInt(work.queueMicros),
    scanMicros: BigInt(work.scanMicros),
    rowsScanned: BigInt(work.rowsScanned),
    blocksRead: BigInt(work.blocksRead),
    blocksPruned: BigInt(work.blocksPruned),
    segmentsPruned: BigInt(work.segmentsPruned),
  };
}

export function scanWorkFromProto(message: storage.ScanWork): ScanWork {
  return {
    source: sources.fromProto(message.source),
    queueMicros: Number(message.queueMicros),
    scanMicros: Number(message.scanMicros),
    rowsScanned: Number(message.rowsScanned),
    blocksRead: Number(message.blocksRead),
    blocksPruned: Number(message.blocksPruned),
    segmentsPruned: Number(message.segmentsPruned),
  };
}
