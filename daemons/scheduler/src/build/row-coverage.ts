import { rowsNotCovered } from '../errors.ts';
import type { PassOutcome } from './engine-pass.ts';

/** Holds a build of everything against the rows that the source has: each must be in just one segment. */
export class RowCoverage {
  readonly #sourceRows: bigint | undefined;
  #passesLeft: number;
  #covered = 0n;
  #rejected = 0n;

  /** `sourceRows` undefined: the build is not of everything, or the source tells no versions to hold it to. */
  constructor(sourceRows: bigint | undefined, passes: number) {
    this.#sourceRows = sourceRows;
    this.#passesLeft = passes;
  }

  /**
   * Counts a pass in, before it is published. Sources with rejected rows are not judged: which rows those are
   * depends on the columns that are read.
   * @throws ROWS_NOT_COVERED at the last pass when rows are in no segment, or in several.
   */
  add({ sourceRows, rejectedRows }: Pick<PassOutcome, 'sourceRows' | 'rejectedRows'>): void {
    for (const rows of Object.values(sourceRows)) this.#covered += rows;
    this.#rejected += rejectedRows;
    this.#passesLeft -= 1;
    if (this.#passesLeft > 0 || this.#sourceRows === undefined || this.#rejected > 0n) return;
    if (this.#covered !== this.#sourceRows) throw rowsNotCovered(this.#covered, this.#sourceRows);
  }
}
