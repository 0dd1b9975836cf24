import { invariant } from '@tessera/base';
import type { Column, ColumnValues, Value } from '../column-batch.ts';
import { allocateValues, allValid, clearBit } from '../column-builder.ts';
import { compareValues } from '../compare-values.ts';

/**
 * The different values of a column. Code 0 is NULL; the others are numbered from 1 in PostgreSQL's order, so
 * comparing codes is comparing values, and what holds for a value is computed once per code, not once per row.
 */
export class Dictionary {
  /** Value of each code; NULL at 0. */
  readonly column: Column;

  private constructor(column: Column) {
    this.column = column;
  }

  /** Of values in ascending order, none twice, none NULL. */
  static of({ type, values }: Column): Dictionary {
    const held = allocateValues(type, values.length + 1);
    for (let i = 0; i < values.length; i++) held[i + 1] = values[i] as never;
    const validity = allValid(held.length);
    clearBit(validity, 0);
    return new Dictionary({ type, values: held, validity });
  }

  /** Number of codes, that of NULL included. */
  get size(): number {
    return this.column.values.length;
  }

  /** The first code whose value is not below `value`; `size` when there is none. */
  lowerBound(value: NonNullable<Value>): number {
    const { values } = this.column;
    let [low, high] = [1, values.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareValues(heldValue(values, middle, value), value) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Code of a value; undefined when the column does not have it. */
  codeOf(value: NonNullable<Value>): number | undefined {
    const code = this.lowerBound(value);
    if (code === this.size) return undefined;
    return compareValues(heldValue(this.column.values, code, value), value) === 0
      ? code
      : undefined;
  }

  /** About how many bytes it takes. */
  get bytes(): number {
    const { values } = this.column;
    if (ArrayBuffer.isView(values)) return values.byteLength;
    return values.reduce<number>((sum, value) => sum + 32 + String(value).length, 0);
  }
}

/** Booleans are held as 0 and 1. */
function heldValue(values: ColumnValues, code: number, like: Value): NonNullable<Value> {
  const value = values[code] as NonNullable<Value>;
  return typeof like === 'boolean' ? value === 1 : value;
}

export interface MergedDictionary {
  readonly dictionary: Dictionary;
  /** New code of each old one; undefined: none has changed. */
  readonly fromFirst?: Uint32Array;
  readonly fromSecond?: Uint32Array;
}

/** One dictionary with the values of two, which have the same type. */
export function mergeDictionaries(first: Dictionary, second: Dictionary): MergedDictionary {
  const [a, b] = [first.column.values, second.column.values];
  invariant(first.column.type.kind === second.column.type.kind, 'dictionaries of one type');
  const merged: unknown[] = [];
  const fromFirst = new Uint32Array(a.length);
  const fromSecond = new Uint32Array(b.length);
  let [i, j] = [1, 1];
  while (i < a.length || j < b.length) {
    const order = i === a.length ? 1 : j === b.length ? -1 : compareHeld(a[i], b[j]);
    merged.push(order <= 0 ? a[i] : b[j]);
    if (order <= 0) fromFirst[i++] = merged.length;
    if (order >= 0) fromSecond[j++] = merged.length;
  }
  if (merged.length + 1 === a.length) {
    return { dictionary: first, ...changed('fromSecond', fromSecond) };
  }
  const values = allocateValues(first.column.type, merged.length);
  for (let k = 0; k < merged.length; k++) values[k] = merged[k] as never;
  const dictionary = Dictionary.of({ type: first.column.type, values });
  return {
    dictionary,
    ...changed('fromFirst', fromFirst),
    ...changed('fromSecond', fromSecond),
  };
}

const compareHeld = (a: unknown, b: unknown) =>
  compareValues(a as NonNullable<Value>, b as NonNullable<Value>);

function changed<K extends string>(
  key: K,
  codes: Uint32Array,
): { readonly [_ in K]?: Uint32Array } {
  const isSame = codes.every((code, old) => code === old);
  return (isSame ? {} : { [key]: codes }) as { readonly [_ in K]?: Uint32Array };
}
