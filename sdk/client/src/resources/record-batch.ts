import { type ColumnBatch, decodeArrow, encodeArrow } from '@tessera/columnar';
import type { type } from '@tessera/proto';

export function recordBatchToProto(batch: ColumnBatch): type.RecordBatch {
  return { rowCount: BigInt(batch.rowCount), arrowIpc: encodeArrow(batch) };
}

export function recordBatchFromProto(message: type.RecordBatch): ColumnBatch {
  return decodeArrow(message.arrowIpc);
}
