import type { TesseraError } from '@tessera/base';
import type { Model, ModelState, SourceVersion } from '@tessera/cube';
import type { OpenSource } from '@tessera/daemon';
import type { BindCatalog } from '@tessera/sql';

/**
 * All that a statement is planned against, of one project, at one moment: never changed once made. A new one is made when
 * metadata, the tables of a source or the version of a table's data change.
 */
export interface CatalogSnapshot {
  readonly project: string;
  /** Metadata revision. */
  readonly revision: bigint;
  /** Differs between any two snapshots of this process. */
  readonly generation: number;
  readonly sources: ReadonlyMap<string, OpenSource>;
  readonly sourceFailures: ReadonlyMap<string, TesseraError>;
  /** Ids of the sources that statements must not reach. */
  readonly closedSources: ReadonlySet<string>;
  readonly tables: BindCatalog;
  readonly models: readonly Model[];
  /** Resource names of each model's cubes, by model. */
  readonly cubes: ReadonlyMap<string, readonly string[]>;
  readonly modelFailures: readonly ModelFailure[];
  /**
   * Of each table whose version was asked, as `source.table`; of the others the one that their columns were read at, where
   * the connector tells it.
   */
  readonly versions: ReadonlyMap<string, SourceVersion>;
  /**
   * What matching knows of one of the models. Only statements over its tables need it, so it is made for the first of these;
   * it may know of segments that were published after the rest of the snapshot was made.
   */
  readonly stateOf: (model: Model, signal: AbortSignal) => Promise<ModelState>;
}

/** A model that does not fit the external catalog now: it answers nothing, and everybody is told why. */
export interface ModelFailure {
  readonly model: string;
  readonly error: TesseraError;
}

/**
 * Every model as matching a statement over the `tables` (as `source.table`) needs it: of those over none of them it only
 * needs that they are there.
 */
export function statesFor(
  { models, stateOf, closedSources }: CatalogSnapshot,
  tables: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<readonly ModelState[]> {
  const states = models.map(async (model) => {
    if (tablesOf(model).some((table) => tables.has(table))) return stateOf(model, signal);
    const pushDown = mayPushDown(model, closedSources);
    return { model, cubes: [], snapshots: new Map(), pushDown };
  });
  return Promise.all(states);
}

/** Whether statements may reach the source of the model's facts. */
export function mayPushDown({ fact }: Model, closedSources: ReadonlySet<string>): boolean {
  return !closedSources.has(fact.table.source);
}

export function tableKey(table: { readonly source: string; readonly table: string }): string {
  return `${table.source}.${table.table}`;
}

/** Tables that a model reads: the fact and its lookups. */
export function tablesOf(model: Model): readonly string[] {
  return [model.fact, ...model.lookups].map(({ table }) => tableKey(table));
}
