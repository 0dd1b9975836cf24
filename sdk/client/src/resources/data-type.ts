import type { DataType, Field, Schema, TypeKind } from '@tessera/columnar';
import { type } from '@tessera/proto';
import { malformedMessage } from '../errors.ts';
import { enumPair } from './enum-pair.ts';

const kinds = enumPair<TypeKind>('type kind', {
  boolean: type.TypeKind.TYPE_KIND_BOOLEAN,
  smallint: type.TypeKind.TYPE_KIND_SMALLINT,
  integer: type.TypeKind.TYPE_KIND_INTEGER,
  bigint: type.TypeKind.TYPE_KIND_BIGINT,
  real: type.TypeKind.TYPE_KIND_REAL,
  double: type.TypeKind.TYPE_KIND_DOUBLE,
  numeric: type.TypeKind.TYPE_KIND_NUMERIC,
  text: type.TypeKind.TYPE_KIND_TEXT,
  date: type.TypeKind.TYPE_KIND_DATE,
  time: type.TypeKind.TYPE_KIND_TIME,
  timestamp: type.TypeKind.TYPE_KIND_TIMESTAMP,
  timestamptz: type.TypeKind.TYPE_KIND_TIMESTAMPTZ,
  interval: type.TypeKind.TYPE_KIND_INTERVAL,
  bytes: type.TypeKind.TYPE_KIND_BYTES,
  unknown: type.TypeKind.TYPE_KIND_UNKNOWN,
});

export function dataTypeToProto(value: DataType): type.DataType {
  const kind = kinds.toProto(value.kind) as type.TypeKind;
  if (value.kind !== 'numeric') return { kind };
  return { kind, precision: value.precision, scale: value.scale };
}

export function dataTypeFromProto(message: type.DataType | undefined): DataType {
  if (message === undefined) throw malformedMessage('A type', 'it is absent');
  const kind = kinds.fromProto(message.kind);
  if (kind !== 'numeric') return { kind };
  return {
    kind,
    ...(message.precision === undefined ? {} : { precision: message.precision }),
    ...(message.scale === undefined ? {} : { scale: message.scale }),
  };
}

export function fieldToProto(field: Field): type.Field {
  return { name: field.name, type: dataTypeToProto(field.type), nullable: field.nullable };
}

export function fieldFromProto(message: type.Field): Field {
  return {
    name: message.name,
    type: dataTypeFromProto(message.type),
    nullable: message.nullable,
  };
}

export function schemaToProto(schema: Schema): type.Schema {
  return { fields: schema.map(fieldToProto) };
}

export function schemaFromProto(message: type.Schema | undefined): Schema {
  return (message?.fields ?? []).map(fieldFromProto);
}
