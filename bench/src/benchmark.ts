/** One figure that an issue set a goal for, met or not. */
export interface Reach {
  readonly id: string;
  readonly value: number;
  readonly op: '<=' | '>=';
  readonly target: number;
  readonly unit: string;
  /** What it is compared with, measured in the same run. */
  readonly rival?: string;
  readonly rivalValue?: number;
}

export interface BenchmarkResult {
  readonly reach: readonly Reach[];
  /** Everything else that was measured, for the JSON file. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface Benchmark {
  readonly name: string;
  /** One line, with its options. */
  readonly summary: string;
  run(args: readonly string[]): Promise<BenchmarkResult>;
}

export function isMet({ value, op, target }: Reach): boolean {
  return op === '<=' ? value <= target : value >= target;
}
