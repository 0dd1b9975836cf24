import type { TesseraError } from '@tessera/base';
import type { PlanKind } from '@tessera/client';
import type { Field } from '@tessera/columnar';
import type { BlockCoverage, BlockExplanation, MatchedBlock } from '@tessera/cube';
import type { Explain, ParameterValues, Query } from '@tessera/sql';
import type { BlockOfLog } from '../admission/query-log.ts';
import type { CompiledResidual } from '../execute/residual.ts';

/** A statement ready to run, any number of times, against the snapshot that it was planned for. */
export interface Plan {
  /** EXPLAIN: the answer is a text about the statement, which is run only for ANALYZE. */
  readonly explain?: Explain;
  readonly schema: readonly Field[];
  readonly residual: Query;
  /** The residual as closures; absent: DuckDB runs it. */
  readonly compiled?: CompiledResidual;
  readonly blocks: readonly MatchedBlock[];
  readonly explanations: readonly BlockExplanation[];
  /** Some table is not seen as it is by the caller: what its hidden rows hold must not show in errors either. */
  readonly readsInPart: boolean;
  /** The caller may know what storage daemons did for the statement. */
  readonly tellsWork: boolean;
  readonly kind: PlanKind;
  /** How long it is predicted to work, milliseconds. */
  readonly predictedMs: number;
  /** Tables that are read from their source, as `source.table`. */
  readonly sourceTables: readonly string[];
  readonly coverage: readonly BlockCoverage[];
  /** Why the statement may not run; EXPLAIN shows it all the same. */
  readonly refusal?: TesseraError;
  /** Values of $1, $2 … in the types that the statement gave them. */
  readonly parameters: ParameterValues;
  /** Text of the statement without its constants, and what its blocks need: for the log. */
  readonly shape: { readonly sql: string; readonly blocks: readonly BlockOfLog[] };
}

export interface PlanSettings {
  readonly timeZone: string;
  readonly useCuboids: 'auto' | 'never' | 'always';
}
