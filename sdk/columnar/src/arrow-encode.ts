import { Buffer as ArrowBuffer } from 'apache-arrow/fb/buffer';
import { FieldNode } from 'apache-arrow/fb/field-node';
import { Message } from 'apache-arrow/fb/message';
import { MessageHeader } from 'apache-arrow/fb/message-header';
import { MetadataVersion } from 'apache-arrow/fb/metadata-version';
import { RecordBatch } from 'apache-arrow/fb/record-batch';
import { Schema as ArrowSchema } from 'apache-arrow/fb/schema';
import { Builder } from 'flatbuffers';
import { schemaKey, writeField } from './arrow-schema.ts';
import type { Column, ColumnBatch, Interval } from './column-batch.ts';
import { isNull } from './column-batch.ts';
import type { Schema } from './data-type.ts';
import { outOfRange } from './errors.ts';

/**
 * A batch as one whole Arrow IPC stream: schema, one record batch, end of stream. Any Arrow library reads
 * it. The headers are written with Arrow's own flatbuffer classes and the schema message is kept per schema,
 * because small answers are many: a few dozen rows take some ten microseconds.
 *
 * @throws NUMERIC_OUT_OF_RANGE for a numeric of more than 76 digits.
 */
export function encodeArrow(batch: ColumnBatch): Uint8Array {
  const decimalBits = batch.columns.map(decimalBitsOf);
  const schema = schemaMessage(batch.schema, decimalBits);
  const body = new BodyLayout();
  const nodes = batch.columns.map((column, i) =>
    layOutColumn(body, column, batch.rowCount, decimalBits[i]!),
  );
  const header = batchHeader(batch.rowCount, nodes, body);
  const start = schema.length + header.length;
  const out = new Uint8Array(start + body.length + endOfStream.length);
  out.set(schema);
  out.set(header, schema.length);
  body.writeTo(out, start);
  out.set(endOfStream, start + body.length);
  return out;
}

const endOfStream = new Uint8Array([255, 255, 255, 255, 0, 0, 0, 0]);
const cachedSchemas = new Map<string, Uint8Array>();
const maxCachedSchemas = 1_000;

function schemaMessage(schema: Schema, decimalBits: readonly (128 | 256)[]): Uint8Array {
  const key = schemaKey(schema, decimalBits);
  const cached = cachedSchemas.get(key);
  if (cached !== undefined) return cached;
  const builder = new Builder(1024);
  const fields = ArrowSchema.createFieldsVector(
    builder,
    schema.map((field, i) => writeField(builder, { field, decimalBits: decimalBits[i]! })),
  );
  ArrowSchema.startSchema(builder);
  ArrowSchema.addFields(builder, fields);
  const header = ArrowSchema.endSchema(builder);
  const message = encapsulate(builder, MessageHeader.Schema, header, 0);
  if (cachedSchemas.size >= maxCachedSchemas) cachedSchemas.clear();
  cachedSchemas.set(key, message);
  return message;
}

/** Marker, length of the metadata padded to 8, the metadata. */
function encapsulate(
  builder: Builder,
  kind: MessageHeader,
  header: number,
  bodyLength: number,
): Uint8Array {
  Message.startMessage(builder);
  Message.addVersion(builder, MetadataVersion.V5);
  Message.addHeaderType(builder, kind);
  Message.addHeader(builder, header);
  Message.addBodyLength(builder, BigInt(bodyLength));
  builder.finish(Message.endMessage(builder));
  const metadata = builder.asUint8Array();
  const padded = (metadata.length + 7) & ~7;
  const message = new Uint8Array(8 + padded);
  const view = new DataView(message.buffer);
  view.setInt32(0, -1, true);
  view.setInt32(4, padded, true);
  message.set(metadata, 8);
  return message;
}

function batchHeader(rowCount: number, nodes: readonly number[], body: BodyLayout): Uint8Array {
  const builder = new Builder(128 + nodes.length * 64);
  RecordBatch.startBuffersVector(builder, body.parts.length);
  for (const { offset, bytes } of body.parts.toReversed()) {
    ArrowBuffer.createBuffer(builder, BigInt(offset), BigInt(bytes.length));
  }
  const buffers = builder.endVector();
  RecordBatch.startNodesVector(builder, nodes.length);
  for (const nulls of nodes.toReversed()) {
    FieldNode.createFieldNode(builder, BigInt(rowCount), BigInt(nulls));
  }
  const fieldNodes = builder.endVector();
  RecordBatch.startRecordBatch(builder);
  RecordBatch.addLength(builder, BigInt(rowCount));
  RecordBatch.addNodes(builder, fieldNodes);
  RecordBatch.addBuffers(builder, buffers);
  const header = RecordBatch.endRecordBatch(builder);
  return encapsulate(builder, MessageHeader.RecordBatch, header, body.length);
}

/** The buffers of a record batch one after another, each starting on 8 bytes. */
class BodyLayout {
  readonly parts: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  length = 0;

  add(bytes: Uint8Array): void {
    this.parts.push({ offset: this.length, bytes });
    this.length = (this.length + bytes.length + 7) & ~7;
  }

  writeTo(target: Uint8Array, start: number): void {
    for (const { offset, bytes } of this.parts) target.set(bytes, start + offset);
  }
}

const noBytes = new Uint8Array(0);

/** Adds the column's buffers and returns how many NULLs it has. */
function layOutColumn(
  body: BodyLayout,
  column: Column,
  rowCount: number,
  decimalBits: 128 | 256,
): number {
  const nulls = countNulls(column, rowCount);
  body.add(nulls > 0 ? column.validity!.subarray(0, (rowCount + 7) >> 3) : noBytes);
  const { values } = column;
  switch (column.type.kind) {
    case 'boolean':
      body.add(packBits(values as Uint8Array, rowCount));
      break;
    case 'numeric':
      body.add(packDecimals(column, rowCount, decimalBits));
      break;
    case 'interval':
      body.add(packIntervals(column, rowCount));
      break;
    case 'text':
    case 'unknown':
      layOutStrings(body, column, rowCount);
      break;
    case 'bytes':
      layOutBytes(body, column, rowCount);
      break;
    default: {
      const view = values as Int32Array;
      body.add(new Uint8Array(view.buffer, view.byteOffset, rowCount * view.BYTES_PER_ELEMENT));
    }
  }
  return nulls;
}

function countNulls(column: Column, rowCount: number): number {
  if (column.validity === undefined) return 0;
  let nulls = 0;
  for (let row = 0; row < rowCount; row++) if (isNull(column, row)) nulls++;
  return nulls;
}

function packBits(values: Uint8Array, rowCount: number): Uint8Array {
  const bits = new Uint8Array((rowCount + 7) >> 3);
  for (let row = 0; row < rowCount; row++) {
    if (values[row] === 1) bits[row >> 3]! |= 1 << (row & 7);
  }
  return bits;
}

const decimal128Limit = 10n ** 38n;
const decimal256Limit = 10n ** 76n;

function decimalBitsOf(column: Column): 128 | 256 {
  if (column.type.kind !== 'numeric') return 128;
  let bits: 128 | 256 = (column.type.precision ?? 0) > 38 ? 256 : 128;
  for (let row = 0; row < column.values.length; row++) {
    const value = column.values[row] as bigint;
    if (value < decimal128Limit && value > -decimal128Limit) continue;
    if (isNull(column, row)) continue;
    if (value >= decimal256Limit || value <= -decimal256Limit) throw outOfRange(column.type);
    bits = 256;
  }
  return bits;
}

function packDecimals(column: Column, rowCount: number, bits: 128 | 256): Uint8Array {
  const words = bits / 64;
  const packed = new BigInt64Array(rowCount * words);
  for (let row = 0; row < rowCount; row++) {
    let rest = isNull(column, row) ? 0n : (column.values[row] as bigint);
    for (let word = 0; word < words; word++) {
      packed[row * words + word] = rest; // Keeps the low 64 bits.
      rest >>= 64n;
    }
  }
  return new Uint8Array(packed.buffer);
}

function packIntervals(column: Column, rowCount: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(rowCount * 16));
  for (let row = 0; row < rowCount; row++) {
    if (isNull(column, row)) continue;
    const { months, days, micros } = column.values[row] as Interval;
    view.setInt32(row * 16, months, true);
    view.setInt32(row * 16 + 4, days, true);
    view.setBigInt64(row * 16 + 8, micros * 1000n, true);
  }
  return new Uint8Array(view.buffer);
}

function layOutStrings(body: BodyLayout, column: Column, rowCount: number): void {
  const values = column.values as string[];
  let capacity = 0;
  for (let row = 0; row < rowCount; row++) capacity += values[row]?.length ?? 0;
  let data = Buffer.allocUnsafe(capacity);
  const offsets = new Int32Array(rowCount + 1);
  let length = 0;
  for (let row = 0; row < rowCount; row++) {
    const text = isNull(column, row) ? '' : values[row]!;
    const needed = length + text.length * 3;
    if (needed > data.length) {
      const exact = length + Buffer.byteLength(text);
      if (exact > data.length) {
        data = Buffer.concat([data.subarray(0, length)], Math.max(exact, data.length * 2));
      }
    }
    length += data.write(text, length, 'utf8');
    offsets[row + 1] = length;
  }
  body.add(new Uint8Array(offsets.buffer));
  body.add(data.subarray(0, length));
}

function layOutBytes(body: BodyLayout, column: Column, rowCount: number): void {
  const parts: Uint8Array[] = [];
  const offsets = new Int32Array(rowCount + 1);
  for (let row = 0; row < rowCount; row++) {
    const value = isNull(column, row) ? noBytes : (column.values[row] as Uint8Array);
    parts.push(value);
    offsets[row + 1] = offsets[row]! + value.length;
  }
  body.add(new Uint8Array(offsets.buffer));
  body.add(Buffer.concat(parts));
}
