import type { Value } from '@tessera/columnar';
import { type Model, partitionMicros, type SourceExtent } from '@tessera/cube';
import type { OpenSource } from '@tessera/daemon';
import type { Engine } from '@tessera/plugin';
import { engineInput } from './engine-inputs.ts';

/** Where the fact's rows begin and end in time, and how many there are. Without a partition column there is nothing to know. */
export async function readExtent(
  engine: Engine,
  model: Model,
  sources: ReadonlyMap<string, OpenSource>,
  memoryLimitBytes: number,
  signal: AbortSignal,
): Promise<SourceExtent & { readonly rowCount?: bigint }> {
  const { partition, fact } = model;
  if (partition === undefined) return { empty: false, minimum: 0n, maximum: 0n, hasNulls: false };
  const input = await engineInput(sources, fact.table, signal);
  const extent = await engine.extent(
    { alias: fact.alias, input, column: partition.column, memoryLimitBytes },
    signal,
  );
  const micros = (value: Value) =>
    value === null ? 0n : (partitionMicros(partition, value) ?? 0n);
  return {
    empty: extent.minimum === null,
    minimum: micros(extent.minimum),
    maximum: micros(extent.maximum),
    hasNulls: extent.nullRows > 0n,
    rowCount: extent.rowCount,
  };
}
