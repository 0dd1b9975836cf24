import type { BuildInput, Model } from '@tessera/cube';
import type { OpenSource } from '@tessera/daemon';
import type { EngineInput } from '@tessera/plugin';
import type { TableName } from '@tessera/sql';

/** How an engine reads a table: native files where the connector has them, else its stream. */
export async function engineInput(
  sources: ReadonlyMap<string, OpenSource>,
  { source, table }: TableName,
  signal: AbortSignal,
): Promise<EngineInput> {
  const { connector } = sources.get(source)!;
  const location = await connector.location?.(table, signal);
  if (location !== undefined) return { kind: 'native', location };
  return {
    kind: 'stream',
    open: async function* (columns, streamSignal) {
      const offer = await connector.plan({ table, columns, predicates: [] }, streamSignal);
      for (const split of offer.splits) yield* connector.read(split, streamSignal);
    },
  };
}

/** Inputs of a build: the fact from its source, each lookup from the file of its snapshot. */
export async function buildInputs(
  inputs: readonly BuildInput[],
  sources: ReadonlyMap<string, OpenSource>,
  snapshotFiles: ReadonlyMap<string, string>,
  model: Model,
  signal: AbortSignal,
): Promise<Record<string, EngineInput>> {
  const result: Record<string, EngineInput> = {};
  for (const input of inputs) {
    const file = snapshotFiles.get(input.alias);
    result[input.alias] =
      file === undefined
        ? await engineInput(sources, input, signal)
        : snapshotInput(file, model, input.alias);
  }
  return result;
}

function snapshotInput(file: string, model: Model, alias: string): EngineInput {
  const { columns } = model.lookups.find((lookup) => lookup.alias === alias)!;
  return {
    kind: 'native',
    location: {
      format: 'parquet',
      paths: [file],
      columns: columns.map(({ name, type }) => ({ name, type, nullable: true })),
      options: {},
    },
  };
}
