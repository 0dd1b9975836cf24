/** One statement from admission to its last batch. */
export interface RunningQuery {
  readonly id: string;
  readonly project: string;
  readonly sql: string;
  /** Microseconds since 1970. */
  readonly startedAt: bigint;
  state: 'QUEUED' | 'PLANNING' | 'EXECUTING' | 'SENDING';
  rowCount: bigint;
}

export interface QueryLimits {
  /** From admission to the last row, queueing included. */
  readonly timeoutMs: number;
  readonly maxRows: number;
  readonly maxBytes: number;
}
