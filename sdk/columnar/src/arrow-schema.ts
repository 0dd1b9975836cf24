import { Binary } from 'apache-arrow/fb/binary';
import { Bool } from 'apache-arrow/fb/bool';
import { Date as ArrowDate } from 'apache-arrow/fb/date';
import { DateUnit } from 'apache-arrow/fb/date-unit';
import { Decimal } from 'apache-arrow/fb/decimal';
import { Field as ArrowField } from 'apache-arrow/fb/field';
import { FloatingPoint } from 'apache-arrow/fb/floating-point';
import { Int } from 'apache-arrow/fb/int';
import { Interval as ArrowInterval } from 'apache-arrow/fb/interval';
import { IntervalUnit } from 'apache-arrow/fb/interval-unit';
import { KeyValue } from 'apache-arrow/fb/key-value';
import { Precision } from 'apache-arrow/fb/precision';
import type { Schema as ArrowSchema } from 'apache-arrow/fb/schema';
import { Time } from 'apache-arrow/fb/time';
import { TimeUnit } from 'apache-arrow/fb/time-unit';
import { Timestamp } from 'apache-arrow/fb/timestamp';
import { Type } from 'apache-arrow/fb/type';
import { Utf8 } from 'apache-arrow/fb/utf8';
import type { Builder } from 'flatbuffers';
import { type DataType, type Field, formatDataType, heldScale, type Schema } from './data-type.ts';
import { badArrow } from './errors.ts';

/**
 * Fields between our types and Arrow's. What Arrow's type does not say (that a numeric is unconstrained, or
 * has a scale but no precision) stands in the field's metadata under this key.
 */
const typeKey = 'tessera:type';

/** One column as it goes on the wire: numerics of more than 38 digits need 256 bits. */
export interface WireField {
  readonly field: Field;
  readonly decimalBits: 128 | 256;
}

export function writeField(builder: Builder, { field, decimalBits }: WireField): number {
  const name = builder.createString(field.name);
  const metadata = writeMetadata(builder, field.type);
  const children = ArrowField.createChildrenVector(builder, []);
  const { type, offset } = writeType(builder, field.type, decimalBits);
  ArrowField.startField(builder);
  ArrowField.addName(builder, name);
  ArrowField.addNullable(builder, field.nullable);
  ArrowField.addTypeType(builder, type);
  ArrowField.addType(builder, offset);
  ArrowField.addChildren(builder, children);
  if (metadata !== 0) ArrowField.addCustomMetadata(builder, metadata);
  return ArrowField.endField(builder);
}

function writeMetadata(builder: Builder, type: DataType): number {
  if (type.kind !== 'numeric' && type.kind !== 'unknown') return 0;
  const key = builder.createString(typeKey);
  const value = builder.createString(formatDataType(type));
  return ArrowField.createCustomMetadataVector(builder, [
    KeyValue.createKeyValue(builder, key, value),
  ]);
}

function writeType(
  builder: Builder,
  type: DataType,
  decimalBits: 128 | 256,
): { readonly type: Type; readonly offset: number } {
  switch (type.kind) {
    case 'boolean':
      Bool.startBool(builder);
      return { type: Type.Bool, offset: Bool.endBool(builder) };
    case 'smallint':
      return { type: Type.Int, offset: Int.createInt(builder, 16, true) };
    case 'integer':
      return { type: Type.Int, offset: Int.createInt(builder, 32, true) };
    case 'bigint':
      return { type: Type.Int, offset: Int.createInt(builder, 64, true) };
    case 'real':
    case 'double': {
      const precision = type.kind === 'real' ? Precision.SINGLE : Precision.DOUBLE;
      const offset = FloatingPoint.createFloatingPoint(builder, precision);
      return { type: Type.FloatingPoint, offset };
    }
    case 'numeric': {
      const precision = decimalBits === 128 ? Math.min(type.precision ?? 38, 38) : 76;
      const offset = Decimal.createDecimal(builder, precision, heldScale(type), decimalBits);
      return { type: Type.Decimal, offset };
    }
    case 'date':
      return { type: Type.Date, offset: ArrowDate.createDate(builder, DateUnit.DAY) };
    case 'time':
      return { type: Type.Time, offset: Time.createTime(builder, TimeUnit.MICROSECOND, 64) };
    case 'timestamp':
    case 'timestamptz': {
      const zone = type.kind === 'timestamptz' ? builder.createString('UTC') : 0;
      const offset = Timestamp.createTimestamp(builder, TimeUnit.MICROSECOND, zone);
      return { type: Type.Timestamp, offset };
    }
    case 'interval': {
      const offset = ArrowInterval.createInterval(builder, IntervalUnit.MONTH_DAY_NANO);
      return { type: Type.Interval, offset };
    }
    case 'bytes':
      Binary.startBinary(builder);
      return { type: Type.Binary, offset: Binary.endBinary(builder) };
    case 'text':
    case 'unknown':
      Utf8.startUtf8(builder);
      return { type: Type.Utf8, offset: Utf8.endUtf8(builder) };
  }
}

/** @throws ARROW_UNREADABLE for a type that Tessera has none for. */
export function readSchema(schema: ArrowSchema): WireField[] {
  return Array.from({ length: schema.fieldsLength() }, (_, i) => readField(schema.fields(i)!));
}

function readField(field: ArrowField): WireField {
  const name = field.name() ?? '';
  if (field.dictionary() !== null) throw badArrow(`column ${name} is dictionary-encoded`);
  const type = markedType(field) ?? readType(field, name);
  const decimalBits =
    field.typeType() === Type.Decimal && field.type(new Decimal()).bitWidth() === 256 ? 256 : 128;
  return { field: { name, type, nullable: field.nullable() }, decimalBits };
}

function markedType(field: ArrowField): DataType | undefined {
  for (let i = 0; i < field.customMetadataLength(); i++) {
    const entry = field.customMetadata(i)!;
    if (entry.key() !== typeKey) continue;
    const text = entry.value() ?? '';
    if (text === 'numeric' || text === 'unknown') return { kind: text };
    const parts = /^numeric\((\d*),(\d+)\)$/.exec(text);
    if (parts === null) continue;
    const scale = Number(parts[2]);
    return parts[1] === ''
      ? { kind: 'numeric', scale }
      : { kind: 'numeric', precision: Number(parts[1]), scale };
  }
  return undefined;
}

function readType(field: ArrowField, name: string): DataType {
  switch (field.typeType()) {
    case Type.Bool:
      return { kind: 'boolean' };
    case Type.Int:
      return readInteger(field.type(new Int()), name);
    case Type.FloatingPoint: {
      const precision = field.type(new FloatingPoint()).precision();
      if (precision !== Precision.HALF) {
        return { kind: precision === Precision.SINGLE ? 'real' : 'double' };
      }
      break;
    }
    case Type.Decimal: {
      const decimal: Decimal = field.type(new Decimal());
      return { kind: 'numeric', precision: decimal.precision(), scale: decimal.scale() };
    }
    case Type.Utf8:
      return { kind: 'text' };
    case Type.Binary:
      return { kind: 'bytes' };
    default:
      return readTemporal(field, name);
  }
  throw unsupported(name, field.typeType());
}

function readInteger(type: Int, name: string): DataType {
  if (!type.isSigned() || type.bitWidth() < 16) {
    throw badArrow(`column ${name} has integers of ${type.bitWidth()} bits, or unsigned ones`);
  }
  const kind = type.bitWidth() === 16 ? 'smallint' : type.bitWidth() === 32 ? 'integer' : 'bigint';
  return { kind };
}

function readTemporal(field: ArrowField, name: string): DataType {
  switch (field.typeType()) {
    case Type.Date:
      if (field.type(new ArrowDate()).unit() === DateUnit.DAY) return { kind: 'date' };
      break;
    case Type.Time:
      if (field.type(new Time()).unit() === TimeUnit.MICROSECOND) return { kind: 'time' };
      break;
    case Type.Timestamp: {
      const type: Timestamp = field.type(new Timestamp());
      if (type.unit() !== TimeUnit.MICROSECOND) break;
      return { kind: type.timezone() === null ? 'timestamp' : 'timestamptz' };
    }
    case Type.Interval:
      if (field.type(new ArrowInterval()).unit() === IntervalUnit.MONTH_DAY_NANO) {
        return { kind: 'interval' };
      }
      break;
  }
  throw unsupported(name, field.typeType());
}

function unsupported(name: string, type: Type): Error {
  return badArrow(`column ${name} has the Arrow type ${Type[type]} in a unit that is not ours`);
}

/** A text that is equal for schemas with equal schema messages. */
export function schemaKey(schema: Schema, decimalBits: readonly (128 | 256)[]): string {
  let key = '';
  for (let i = 0; i < schema.length; i++) {
    const { name, type, nullable } = schema[i]!;
    key += `${name.length}:${name}${formatDataType(type)}${nullable ? '?' : ''}${decimalBits[i]};`;
  }
  return key;
}
