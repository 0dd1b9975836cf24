import { isTesseraError } from '@tessera/base';
import type { ColumnBatch } from '@tessera/columnar';
import type { BuildInput, Model } from '@tessera/cube';
import { type OpenSource, withDeadline } from '@tessera/daemon';
import type { EngineInput, Split } from '@tessera/plugin';
import type { TableName } from '@tessera/sql';
import { sourceFailed } from '../errors.ts';

/** How long a connector may take for one answer: a location, a plan, the next batch. */
const answerDeadlineMs = 120_000;

/** How an engine reads a table: native files where the connector has them, else its stream. */
export async function engineInput(
  sources: ReadonlyMap<string, OpenSource>,
  { source, table }: TableName,
  signal: AbortSignal,
): Promise<EngineInput> {
  const opened = sources.get(source)!;
  const { connector } = opened;
  const location = await answered(opened, table, signal, async (one) =>
    connector.location?.(table, one),
  );
  if (location !== undefined) return { kind: 'native', location };
  return {
    kind: 'stream',
    open: async function* (columns, streamSignal) {
      const offer = await answered(opened, table, streamSignal, (one) =>
        connector.plan({ table, columns, predicates: [] }, one),
      );
      for (const split of offer.splits) yield* readSplit(opened, split, streamSignal);
    },
  };
}

async function* readSplit(
  source: OpenSource,
  split: Split,
  signal: AbortSignal,
): AsyncGenerator<ColumnBatch> {
  const batches = source.connector.read(split, signal)[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const next = await answered(source, split.table, signal, () => batches.next());
      if (next.done) {
        ended = true;
        return;
      }
      yield next.value;
    }
  } finally {
    // A connector that hangs would not answer this either, so it is not waited for.
    if (!ended) void batches.return?.()?.catch(() => {});
  }
}

/** @throws SOURCE_TIMEOUT, SOURCE_FAILED when the plugin threw something of its own. */
async function answered<T>(
  { description }: OpenSource,
  table: string,
  parent: AbortSignal,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const what = `reading ${description.name}.${table} through ${description.use}`;
  try {
    return await withDeadline(answerDeadlineMs, ask, { what, reason: 'SOURCE_TIMEOUT', parent });
  } catch (error) {
    if (isTesseraError(error) || parent.aborted) throw error;
    throw sourceFailed(description.name, table, description.use, error);
  }
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
