import { Code, TesseraError } from '@tessera/base';
import { type DataType, formatDataType } from './data-type.ts';

/** A text does not spell a value of the type. */
export function badText(type: DataType, text: string): TesseraError {
  const name = formatDataType(type);
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'INVALID_TEXT_REPRESENTATION',
    message: `${JSON.stringify(text)} is not a valid ${name}; write it as PostgreSQL would.`,
    metadata: { text, type: name },
  });
}

/** A sum or a value does not fit its type: PostgreSQL fails here too, so we do not wrap or round. */
export function outOfRange(type: DataType): TesseraError {
  const name = formatDataType(type);
  return new TesseraError({
    code: Code.OUT_OF_RANGE,
    reason: 'NUMERIC_OUT_OF_RANGE',
    message: `A value is out of range for ${name}; cast to a wider type before aggregating.`,
    metadata: { type: name },
  });
}

/** Bytes that are no Arrow stream, are cut off, or use a feature that Tessera never writes. */
export function badArrow(what: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'ARROW_UNREADABLE',
    message: `The Arrow stream cannot be read: ${what}.`,
    metadata: { what },
  });
}
