import { isTesseraError, parseResourceName } from '@tessera/base';
import type { CuboidScanner, ScanOptions, SnapshotReader } from '@tessera/client';
import type { ColumnBatch } from '@tessera/columnar';
import {
  type LookupFilter,
  lookupFiltersOf,
  passingKeys,
  type ScanPlan,
  segmentsWithKeys,
} from '@tessera/cube';
import { noteOnSpan } from '@tessera/telemetry';
import { LookupColumns } from './lookup-columns.ts';

/**
 * Leaves out of scans the segments in which no row can have a partner in a lookup that passes the filter: the keys that
 * pass are found once for a plan, and compared with the segments' statistics. Daemons that have no other segments are not
 * asked. Within the others tiles are pruned by the same keys, which every daemon finds for itself.
 */
export class PruningScanner implements CuboidScanner {
  readonly #scanner: CuboidScanner;
  readonly #lookups: LookupColumns;
  /** A plan is made for the values of its parameters, so they are part of it. */
  readonly #pruned = new WeakMap<ScanPlan, ScanPlan>();

  constructor(scanner: CuboidScanner, snapshots: SnapshotReader) {
    this.#scanner = scanner;
    this.#lookups = new LookupColumns(snapshots);
  }

  async *scan(plan: ScanPlan, options: ScanOptions): AsyncGenerator<ColumnBatch, void, undefined> {
    const pruned = this.#pruned.get(plan) ?? (await this.#prune(plan, options));
    const left = plan.segments.length - pruned.segments.length;
    if (left > 0) noteOnSpan({ 'tessera.segments_pruned': left });
    yield* this.#scanner.scan(pruned, options);
  }

  async #prune(plan: ScanPlan, options: ScanOptions): Promise<ScanPlan> {
    let { segments } = plan;
    for (const filter of plan.segments.length > 0 ? lookupFiltersOf(plan) : []) {
      const keys = await this.#keys(plan, filter, options);
      if (keys !== undefined) segments = segmentsWithKeys(segments, filter, keys);
    }
    const pruned = segments.length === plan.segments.length ? plan : { ...plan, segments };
    this.#pruned.set(plan, pruned);
    return pruned;
  }

  /** Undefined: nothing can be said, and the scan goes on without. */
  async #keys(plan: ScanPlan, filter: LookupFilter, { parameters, signal }: ScanOptions) {
    const { project } = parseResourceName(plan.cube, 'projects/{project}/cubes/{cube}');
    const snapshot = `projects/${project}/snapshots/${filter.join.snapshot}`;
    try {
      const batch = await this.#lookups.read({ snapshot, columns: filter.columns }, signal);
      return batch && passingKeys(filter, batch, parameters);
    } catch (error) {
      signal.throwIfAborted();
      if (isTesseraError(error)) return undefined; // The daemons may have it all the same.
      throw error;
    }
  }
}
