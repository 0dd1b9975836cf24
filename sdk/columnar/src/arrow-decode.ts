import { Message } from 'apache-arrow/fb/message';
import { MessageHeader } from 'apache-arrow/fb/message-header';
import { RecordBatch } from 'apache-arrow/fb/record-batch';
import { Schema as ArrowSchema } from 'apache-arrow/fb/schema';
import { ByteBuffer } from 'flatbuffers';
import { readSchema, type WireField } from './arrow-schema.ts';
import { concatBatches } from './batch-operations.ts';
import type { Column, ColumnBatch, ColumnValues, Interval } from './column-batch.ts';
import type { DataType } from './data-type.ts';
import { badArrow } from './errors.ts';

/**
 * Reads an Arrow IPC stream (all its record batches as one). Takes what `encodeArrow` and plain writers of
 * other libraries give: no dictionaries, no compression. Copies; the bytes may be reused afterwards.
 *
 * @throws ARROW_UNREADABLE when the bytes are something else, or cut off.
 */
export function decodeArrow(bytes: Uint8Array): ColumnBatch {
  try {
    // As a plain Uint8Array: a Buffer's slice is a view, where copies are wanted.
    return decodeStream(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (error) {
    // Reading past the end shows as a RangeError of the typed arrays or of the flatbuffer.
    throw error instanceof RangeError ? badArrow('it is cut off') : error;
  }
}

function decodeStream(bytes: Uint8Array): ColumnBatch {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let fields: readonly WireField[] | undefined;
  const batches: ColumnBatch[] = [];
  for (let position = 0; position < bytes.length; ) {
    if (view.getUint32(position, true) !== 0xffffffff) throw badArrow('no message starts here');
    const length = view.getInt32(position + 4, true);
    if (length === 0) break;
    const start = position + 8;
    if (length < 0 || start + length > bytes.length) throw badArrow('it is cut off');
    const message = Message.getRootAsMessage(new ByteBuffer(bytes.subarray(start, start + length)));
    const bodyStart = start + length;
    position = bodyStart + Number(message.bodyLength());
    if (position > bytes.length) throw badArrow('it is cut off');
    if (message.headerType() === MessageHeader.Schema) {
      fields = readSchema(message.header(new ArrowSchema()));
    } else if (message.headerType() === MessageHeader.RecordBatch && fields !== undefined) {
      const header: RecordBatch = message.header(new RecordBatch());
      batches.push(readBatch(header, fields, bytes.subarray(bodyStart, position)));
    } else {
      throw badArrow(`a message of kind ${MessageHeader[message.headerType()]} is not expected`);
    }
  }
  if (fields === undefined) throw badArrow('it has no schema');
  return concatBatches(
    fields.map(({ field }) => field),
    batches,
  );
}

function readBatch(
  header: RecordBatch,
  fields: readonly WireField[],
  body: Uint8Array,
): ColumnBatch {
  if (header.compression() !== null) throw badArrow('it is compressed');
  const rowCount = Number(header.length());
  const buffers = new BufferReader(header, body);
  const columns = fields.map((field, i) => {
    const nulls = header.nodes(i)?.nullCount() ?? 0n;
    return readColumn(buffers, field, rowCount, nulls > 0n);
  });
  return { schema: fields.map(({ field }) => field), rowCount, columns };
}

/** Hands out the buffers of a record batch in order. */
class BufferReader {
  readonly #header: RecordBatch;
  readonly #body: Uint8Array;
  #next = 0;

  constructor(header: RecordBatch, body: Uint8Array) {
    this.#header = header;
    this.#body = body;
  }

  /** A copy of the next buffer, at least `length` bytes long. */
  take(length: number): Uint8Array<ArrayBuffer> {
    const buffer = this.#header.buffers(this.#next++);
    if (buffer === null) throw badArrow('a buffer is missing');
    const start = Number(buffer.offset());
    const end = start + Number(buffer.length());
    if (start < 0 || end > this.#body.length || end - start < length) {
      throw badArrow('a buffer is shorter than its column');
    }
    return this.#body.slice(start, end) as Uint8Array<ArrayBuffer>;
  }
}

function readColumn(
  buffers: BufferReader,
  { field, decimalBits }: WireField,
  rowCount: number,
  hasNulls: boolean,
): Column {
  const bits = buffers.take(hasNulls ? (rowCount + 7) >> 3 : 0);
  const values = readValues(buffers, field.type, rowCount, decimalBits);
  return hasNulls
    ? { type: field.type, values, validity: bits.slice(0, (rowCount + 7) >> 3) }
    : { type: field.type, values };
}

function readValues(
  buffers: BufferReader,
  type: DataType,
  rowCount: number,
  decimalBits: 128 | 256,
): ColumnValues {
  switch (type.kind) {
    case 'boolean':
      return unpackBits(buffers.take((rowCount + 7) >> 3), rowCount);
    case 'smallint':
      return new Int16Array(buffers.take(rowCount * 2).buffer, 0, rowCount);
    case 'integer':
    case 'date':
      return new Int32Array(buffers.take(rowCount * 4).buffer, 0, rowCount);
    case 'bigint':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return new BigInt64Array(buffers.take(rowCount * 8).buffer, 0, rowCount);
    case 'real':
      return new Float32Array(buffers.take(rowCount * 4).buffer, 0, rowCount);
    case 'double':
      return new Float64Array(buffers.take(rowCount * 8).buffer, 0, rowCount);
    case 'numeric':
      return unpackDecimals(buffers.take((rowCount * decimalBits) / 8), rowCount, decimalBits);
    case 'interval':
      return unpackIntervals(buffers.take(rowCount * 16), rowCount);
    case 'text':
    case 'unknown':
      return readStrings(buffers, rowCount);
    case 'bytes':
      return readBytes(buffers, rowCount);
  }
}

function unpackBits(bits: Uint8Array, rowCount: number): Uint8Array {
  const values = new Uint8Array(rowCount);
  for (let row = 0; row < rowCount; row++) values[row] = (bits[row >> 3]! >> (row & 7)) & 1;
  return values;
}

function unpackDecimals(
  bytes: Uint8Array<ArrayBuffer>,
  rowCount: number,
  bits: 128 | 256,
): bigint[] {
  const words = bits / 64;
  const low = new BigUint64Array(bytes.buffer, 0, rowCount * words);
  const signed = new BigInt64Array(bytes.buffer, 0, rowCount * words);
  return Array.from({ length: rowCount }, (_, row) => {
    let value = signed[row * words + words - 1]!;
    for (let word = words - 2; word >= 0; word--) value = (value << 64n) | low[row * words + word]!;
    return value;
  });
}

function unpackIntervals(bytes: Uint8Array<ArrayBuffer>, rowCount: number): Interval[] {
  const view = new DataView(bytes.buffer);
  return Array.from({ length: rowCount }, (_, row) => ({
    months: view.getInt32(row * 16, true),
    days: view.getInt32(row * 16 + 4, true),
    micros: view.getBigInt64(row * 16 + 8, true) / 1000n,
  }));
}

function readOffsets(buffers: BufferReader, rowCount: number): Int32Array {
  // A writer may leave the offsets of an empty array out.
  if (rowCount === 0) {
    buffers.take(0);
    return new Int32Array(1);
  }
  return new Int32Array(buffers.take((rowCount + 1) * 4).buffer, 0, rowCount + 1);
}

function readStrings(buffers: BufferReader, rowCount: number): string[] {
  const offsets = readOffsets(buffers, rowCount);
  const data = Buffer.from(buffers.take(offsets[rowCount]!).buffer);
  const whole = data.toString('latin1', offsets[0], offsets[rowCount]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: asks whether the text is ASCII.
  const ascii = /^[\x00-\x7f]*$/.test(whole);
  return Array.from({ length: rowCount }, (_, row) =>
    ascii
      ? whole.slice(offsets[row]! - offsets[0]!, offsets[row + 1]! - offsets[0]!)
      : data.toString('utf8', offsets[row], offsets[row + 1]),
  );
}

function readBytes(buffers: BufferReader, rowCount: number): Uint8Array[] {
  const offsets = readOffsets(buffers, rowCount);
  const data = buffers.take(offsets[rowCount]!);
  return Array.from({ length: rowCount }, (_, row) => data.slice(offsets[row], offsets[row + 1]));
}
