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
  readonly models: readonly ModelState[];
  readonly modelFailures: readonly ModelFailure[];
  /**
   * Of each table whose version was asked, as `source.table`; of the others the one that their columns were read at, where
   * the connector tells it.
   */
  readonly versions: ReadonlyMap<string, SourceVersion>;
}

/** A model that does not fit the external catalog now: it answers nothing, and everybody is told why. */
export interface ModelFailure {
  readonly model: string;
  readonly error: TesseraError;
}

export function tableKey(table: { readonly source: string; readonly table: string }): string {
  return `${table.source}.${table.table}`;
}

/** Tables that a model reads: the fact and its lookups. */
export function tablesOf(model: Model): readonly string[] {
  return [model.fact, ...model.lookups].map(({ table }) => tableKey(table));
}
