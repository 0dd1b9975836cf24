/** One state of the source's files. */
interface DataVersion {
  /** Of the oracle, where its tables are. */
  readonly schema: string;
  readonly fromMs: number;
  untilMs: number;
}

/** Which data the source held when, by this process's monotonic clock. */
export class DataVersions {
  readonly #versions: DataVersion[] = [];

  /** Just before data replace what was there. */
  begin(schema: string, nowMs: number): void {
    this.#versions.push({ schema, fromMs: nowMs, untilMs: Number.POSITIVE_INFINITY });
  }

  /** Just after that: nobody finds the older data any more. */
  begun(nowMs: number): void {
    const before = this.#versions.at(-2);
    if (before !== undefined) before.untilMs = nowMs;
  }

  /** Versions that could be found at some moment of a time, the newest first. */
  within(fromMs: number, untilMs: number): readonly string[] {
    return this.#versions
      .filter((version) => version.fromMs <= untilMs && version.untilMs >= fromMs)
      .map(({ schema }) => schema)
      .reverse();
  }
}
