/**
 * Predicted costs of reading a stored layout, in microseconds: what matching compares layouts with, and what the planner
 * expects of cuboids that are not built yet.
 */
export const scanCosts = {
  /** Of one scan at all, however little it reads. */
  scanMicros: 60,
  /** Of a row that is visited, of a byte that is read, and of finding a row's partner in one snapshot. */
  rowMicros: 0.002,
  byteMicros: 0.0004,
  joinMicros: 0.01,
} as const;
