import { type DataType, heldScale, type Value } from '@tessera/columnar';
import { NullValue, type type } from '@tessera/proto';
import { malformedMessage } from '../errors.ts';

type Kind = NonNullable<type.Value['kind']>;

/** A value of a known type. Without a type (`unknown`) text stays text. */
export function valueToProto(value: Value, dataType: DataType): type.Value {
  return { kind: value === null ? nullKind : kindOf(value, dataType) };
}

const nullKind: Kind = { $case: 'nullValue', value: NullValue.NULL_VALUE };

function kindOf(value: NonNullable<Value>, dataType: DataType): Kind {
  switch (dataType.kind) {
    case 'boolean':
      return { $case: 'booleanValue', value: value as boolean };
    case 'smallint':
    case 'integer':
    case 'bigint':
      return { $case: 'integerValue', value: BigInt(value as number | bigint) };
    case 'real':
    case 'double':
      return { $case: 'doubleValue', value: value as number };
    case 'numeric':
      return { $case: 'numericValue', value: decimalText(value as bigint, heldScale(dataType)) };
    case 'date':
      return { $case: 'dateValue', value: value as number };
    case 'time':
      return { $case: 'timeValue', value: value as bigint };
    case 'timestamp':
      return { $case: 'timestampValue', value: value as bigint };
    case 'timestamptz':
      return { $case: 'timestamptzValue', value: value as bigint };
    case 'interval':
      return { $case: 'intervalValue', value: value as type.Interval };
    case 'bytes':
      return { $case: 'bytesValue', value: value as Uint8Array };
    case 'text':
    case 'unknown':
      return { $case: 'textValue', value: value as string };
  }
}

/**
 * A value as a column of `dataType` holds it.
 * @throws MALFORMED_MESSAGE when it is of another type.
 */
export function valueFromProto(message: type.Value | undefined, dataType: DataType): Value {
  const kind = message?.kind;
  if (kind === undefined) throw malformedMessage('A value', 'it is absent');
  if (kind.$case === 'nullValue') return null;
  if (!casesOf[dataType.kind].includes(kind.$case)) {
    throw malformedMessage('A value', `${kind.$case} was sent for the type ${dataType.kind}`);
  }
  switch (kind.$case) {
    case 'integerValue':
      return dataType.kind === 'bigint' ? kind.value : Number(kind.value);
    case 'numericValue':
      return unscaledOf(kind.value, heldScale(dataType));
    case 'intervalValue': {
      const { months, days, micros } = kind.value;
      return { months, days, micros };
    }
    case 'bytesValue':
      return new Uint8Array(kind.value); // A copy: the message may share its memory with others.
    default:
      return kind.value;
  }
}

const casesOf: Readonly<Record<DataType['kind'], readonly Kind['$case'][]>> = {
  boolean: ['booleanValue'],
  smallint: ['integerValue'],
  integer: ['integerValue'],
  bigint: ['integerValue'],
  real: ['doubleValue'],
  double: ['doubleValue'],
  numeric: ['numericValue'],
  text: ['textValue'],
  date: ['dateValue'],
  time: ['timeValue'],
  timestamp: ['timestampValue'],
  timestamptz: ['timestamptzValue'],
  interval: ['intervalValue'],
  bytes: ['bytesValue'],
  unknown: ['textValue'],
};

/** A value whose type only the value itself says, as a client binds it to a parameter. */
export function untypedValueFromProto(message: type.Value | undefined): {
  readonly type: DataType;
  readonly value: Value;
} {
  const dataType = typeOf(message?.kind);
  return { type: dataType, value: valueFromProto(message, dataType) };
}

function typeOf(kind: Kind | undefined): DataType {
  if (kind === undefined) return { kind: 'unknown' };
  switch (kind.$case) {
    case 'numericValue':
      return { kind: 'numeric', scale: kind.value.split('.')[1]?.length ?? 0 };
    case 'integerValue':
      return fitsInteger(kind.value) ? { kind: 'integer' } : { kind: 'bigint' };
    case 'nullValue':
      return { kind: 'unknown' };
    default:
      return { kind: typeNames[kind.$case] };
  }
}

const typeNames = {
  booleanValue: 'boolean',
  doubleValue: 'double',
  textValue: 'unknown',
  dateValue: 'date',
  timeValue: 'time',
  timestampValue: 'timestamp',
  timestamptzValue: 'timestamptz',
  intervalValue: 'interval',
  bytesValue: 'bytes',
} as const;

/** Plain notation of unscaled / 10^scale with all `scale` digits: (-1250n, 2) is "-12.50". */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale));
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/**
 * The inverse of `decimalText`; fewer digits than `scale` are filled up.
 * @throws MALFORMED_MESSAGE for other text and for more digits than `scale` has room for.
 */
export function unscaledOf(text: string, scale: number): bigint {
  const match = /^([-+]?)(\d+)(?:\.(\d*))?$/.exec(text);
  const [, sign, whole = '', fraction = ''] = match ?? [];
  const kept = fraction.slice(0, Math.max(0, scale)).padEnd(Math.max(0, scale), '0');
  if (match === null || /[1-9]/.test(fraction.slice(Math.max(0, scale)))) {
    throw malformedMessage(
      'A numeric',
      `${JSON.stringify(text)} is not a number of scale ${scale}`,
    );
  }
  const unscaled = BigInt(whole + kept) / 10n ** BigInt(Math.max(0, -scale));
  return sign === '-' ? -unscaled : unscaled;
}

function fitsInteger(value: bigint): boolean {
  return value === BigInt.asIntN(32, value);
}
