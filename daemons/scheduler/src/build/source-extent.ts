import type { Value } from '@tessera/columnar';
import {
  type Grain,
  joinStretches,
  type Model,
  partitionMicros,
  type SourceExtent,
  stretchGroups,
} from '@tessera/cube';
import type { OpenSource } from '@tessera/daemon';
import type { Engine } from '@tessera/plugin';
import { engineInput } from './engine-inputs.ts';

export interface ExtentTask {
  readonly model: Model;
  readonly sources: ReadonlyMap<string, OpenSource>;
  /** Length of the cube's segments. */
  readonly every: Grain | undefined;
  readonly memoryLimitBytes: number;
}

/** What one look at the fact's partition column tells. */
export interface FactExtent extends SourceExtent {
  /** Absent without a partition column. */
  readonly rowCount?: bigint;
  /** Rows that did not parse, as far as the source knows of them already. */
  readonly rejectedRows: bigint;
}

/**
 * Where the fact's rows begin and end in time, which stretches in between hold any, and how many there are. Without a
 * partition column there is nothing to know.
 */
export async function readExtent(
  engine: Engine,
  { model, sources, every, memoryLimitBytes }: ExtentTask,
  signal: AbortSignal,
): Promise<FactExtent> {
  const { partition, fact } = model;
  if (partition === undefined || every === undefined) return unknownExtent;
  const input = await engineInput(sources, fact.table, signal);
  const groups = stretchGroups(partition, every);
  const { alias } = fact;
  const { column } = partition;
  const extent = await engine.extent({ alias, input, column, groups, memoryLimitBytes }, signal);
  const micros = (value: Value) => partitionMicros(partition, value) ?? 0n;
  const stretches = extent.groups?.map(({ minimum, maximum }) => ({
    minimum: micros(minimum),
    maximum: micros(maximum),
  }));
  return {
    empty: extent.minimum === null,
    minimum: micros(extent.minimum),
    maximum: micros(extent.maximum),
    hasNulls: extent.nullRows > 0n,
    ...(stretches === undefined ? {} : { stretches: joinStretches(stretches) }),
    rowCount: extent.rowCount,
    rejectedRows: input.kind === 'native' ? (input.location.rejectedRows ?? 0n) : 0n,
  };
}

export const unknownExtent: FactExtent = {
  empty: false,
  minimum: 0n,
  maximum: 0n,
  hasNulls: false,
  rejectedRows: 0n,
};
