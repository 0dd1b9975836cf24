import duckdb from '@duckdb/node-bindings';
import type { RowRange } from './read-result.ts';

/**
 * Strings of a VARCHAR or BLOB vector: 16 bytes per row, a 32-bit length and then up to 12 bytes in place, or a
 * pointer at +8. Asking the binding for one pointer's bytes costs about 1 µs, so runs of ascending pointers with
 * small gaps between them are fetched in one call.
 */
const entryBytes = 16;
const inlineBytes = 12;
/** Less than a page, so that no unmapped page can lie between two strings of a run. */
const maxGap = 4095;
const maxRunBytes = 1 << 20;

export function readStrings(data: Buffer, range: RowRange, out: string[]): void {
  eachString(data, range, (row, bytes, start, end) => {
    out[row] = bytes.toString('utf8', start, end);
  });
}

export function readBlobs(data: Buffer, range: RowRange, out: Uint8Array[]): void {
  eachString(data, range, (row, bytes, start, end) => {
    out[row] = new Uint8Array(bytes.subarray(start, end));
  });
}

type Visit = (row: number, bytes: Buffer, start: number, end: number) => void;

function eachString(data: Buffer, { rowCount, isValid, offset }: RowRange, visit: Visit): void {
  const run = new PointerRun(data, visit);
  for (let row = 0; row < rowCount; row++) {
    if (!isValid(row)) continue;
    const entry = row * entryBytes;
    const length = data.readUInt32LE(entry);
    if (length <= inlineBytes) visit(offset + row, data, entry + 4, entry + 4 + length);
    else run.add(offset + row, entry, length);
  }
  run.flush();
}

/** Strings out of place, as long as they lie close together in ascending order. */
class PointerRun {
  readonly #data: Buffer;
  readonly #visit: Visit;
  #rows: { readonly row: number; readonly at: number; readonly length: number }[] = [];
  #firstEntry = 0;
  #start = 0;
  #end = 0;

  constructor(data: Buffer, visit: Visit) {
    this.#data = data;
    this.#visit = visit;
  }

  add(row: number, entry: number, length: number): void {
    const low = this.#data.readUInt32LE(entry + 8);
    const pointer = low + this.#data.readUInt32LE(entry + 12) * 0x1_0000_0000;
    const gap = pointer - this.#end;
    const fits = gap >= 0 && gap <= maxGap && pointer + length - this.#start <= maxRunBytes;
    const repeats = pointer >= this.#start && pointer + length <= this.#end;
    if (this.#rows.length > 0 && !fits && !repeats) this.flush();
    if (this.#rows.length === 0) {
      this.#firstEntry = entry;
      this.#start = pointer;
      this.#end = pointer;
    }
    this.#rows.push({ row, at: pointer - this.#start, length });
    this.#end = Math.max(this.#end, pointer + length);
  }

  flush(): void {
    if (this.#rows.length === 0) return;
    const view = duckdb.get_data_from_pointer(
      this.#data.buffer as ArrayBuffer,
      this.#data.byteOffset + this.#firstEntry + 8,
      this.#end - this.#start,
    );
    const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
    for (const { row, at, length } of this.#rows) this.#visit(row, bytes, at, at + length);
    this.#rows = [];
  }
}
