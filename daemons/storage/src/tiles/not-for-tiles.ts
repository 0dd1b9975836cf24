/** Thrown and caught inside this folder: the plan is for DuckDB, on the files. */
export class NotForTiles extends Error {
  /** Set when codes of this column would help: it is held as numbers. */
  readonly uncoded: string | undefined;

  constructor(what: string, uncoded?: string) {
    super(what);
    this.uncoded = uncoded;
  }
}
