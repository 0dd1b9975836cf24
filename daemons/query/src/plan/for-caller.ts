import { type AccessView, type Caller, permits, permitsSource } from '@tessera/access';
import { TesseraError } from '@tessera/base';
import type { BlockCoverage, BlockExplanation, Model } from '@tessera/cube';
import type { ExternalTable } from '@tessera/plugin';
import type { Query } from '@tessera/sql';
import type { CatalogSnapshot } from '../catalog/snapshot.ts';
import { neededTables } from './table-scans.ts';

/** What a caller is told of matching: names that he may not see do not exist for him there either. */

/** Whether a statement reads a table that its caller does not see as it is. */
export function readsInPart(query: Query, view: AccessView): boolean {
  return neededTables(query).some(({ relation }) => !view.seesAll(relation.table));
}

/**
 * Of a statement over tables that are seen in part only how each block was answered: its policies may use columns
 * that are hidden. Of others only models that are over nothing but tables that are seen as they are.
 */
export function explanationsFor(
  view: AccessView,
  explanations: readonly BlockExplanation[],
  models: readonly Model[],
  inPart: boolean,
): readonly BlockExplanation[] {
  if (inPart) return explanations.map(withoutNames);
  const seen = new Set(models.filter((model) => seesModel(view, model)).map(({ name }) => name));
  return explanations.map((explanation) => {
    const candidates = explanation.candidates.filter(({ model }) => seen.has(model));
    if (candidates.length === explanation.candidates.length) return explanation;
    return { ...withoutNames(explanation), summary: explanation.summary, candidates };
  });
}

/** A lookup may be seen without the facts that it was kept for: then the model's names are not told. */
export function coverageFor(
  view: AccessView,
  coverage: BlockCoverage,
  models: readonly Model[],
): BlockCoverage {
  const found = models.find(({ name }) => name === coverage.model);
  if (found === undefined || view.access(found.fact.table) !== undefined) return coverage;
  return { ...coverage, model: '', cube: '', layouts: [], segments: [], prunedSegments: [] };
}

/**
 * Whether a caller may know what storage daemons did for a statement. How many rows they read of tables that he sees in part
 * tells of the rest, so of these only who may operate does.
 */
export function tellsWork(
  { view, caller }: { readonly view: AccessView | undefined; readonly caller: Caller | undefined },
  { project, models }: CatalogSnapshot,
  usedModels: readonly string[],
  inPart: boolean,
): boolean {
  if (view === undefined || caller === undefined) return true;
  if (permits(caller.roles, 'operate', { project })) return true;
  const used = models.filter(({ name }) => usedModels.includes(name));
  return !inPart && used.every((model) => seesModel(view, model));
}

function seesModel(view: AccessView, { fact, lookups }: Model): boolean {
  return [fact, ...lookups].every(({ table }) => view.seesAll(table));
}

function withoutNames({ block, outcome, reason }: BlockExplanation): BlockExplanation {
  return {
    block,
    summary: 'under access policies',
    outcome,
    candidates: [],
    ...(reason === undefined
      ? {}
      : { reason: { code: reason.code, message: 'Access policies apply.', missing: [] } }),
  };
}

/** Why a statement under policies is refused, without the names that matching gave. */
export function refusalFor({ code, reason }: TesseraError): TesseraError {
  const message = `The statement cannot be answered from cuboids (${reason}) as your access policies narrow it, and its source may not be read.`;
  return new TesseraError({ code, reason, message });
}

/** Sources that a caller sees nothing of do not exist for him, so they cannot fail either. */
export function sourceFailuresFor(
  caller: Caller | undefined,
  snapshot: CatalogSnapshot,
): readonly (readonly [string, TesseraError])[] {
  const { project, sourceFailures } = snapshot;
  return [...sourceFailures].filter(
    ([source]) => caller === undefined || permitsSource(caller.roles, 'query', project, source),
  );
}

/** A table as its viewer knows it; `undefined`: not at all. How much a table holds is told where all of it is seen. */
export function tableFor(
  view: AccessView | undefined,
  source: string,
  table: ExternalTable,
): ExternalTable | undefined {
  if (view === undefined) return table;
  const name = { source, table: table.name };
  const found = view.catalog.find(table.name, source);
  if (found === undefined || view.seesAll(name)) return found && table;
  return { ...table, columns: found.columns, statistics: {} };
}
