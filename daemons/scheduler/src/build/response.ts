import type { Segment } from '@tessera/cube';
import { type Any, scheduler } from '@tessera/proto';
import { hasContent } from './missing-layouts.ts';

const responseType = 'type.googleapis.com/tessera.scheduler.v1.BuildSegmentsResponse';

/** What an operation has published so far, as its response says it. */
export class BuildTotals {
  readonly #published: Segment[] = [];
  readonly #retired = new Set<string>();

  add(published: readonly Segment[], retired: readonly string[] = []): void {
    this.#published.push(...published);
    for (const id of retired) this.#retired.add(id);
  }

  packed(durationMicros: bigint): Any {
    const layouts = this.#published.flatMap((segment) => segment.layouts);
    const sum = (values: readonly bigint[]) => values.reduce((a, b) => a + b, 0n);
    const response = scheduler.BuildSegmentsResponse.fromPartial({
      segments: this.#published.map(({ id }) => id),
      retiredSegments: [...this.#retired],
      layoutCount: BigInt(layouts.filter(({ file }) => hasContent(file)).length),
      sourceRows: sum(this.#published.map(({ sourceRows }) => sourceRows)),
      rejectedRows: this.#published.reduce(
        (max, { rejectedRows }) => (rejectedRows > max ? rejectedRows : max),
        0n,
      ),
      unmatchedRows: this.#unmatched(),
      sizeBytes: sum(layouts.map(({ sizeBytes }) => sizeBytes)),
      durationMicros,
    });
    const value = Buffer.from(scheduler.BuildSegmentsResponse.encode(response).finish());
    return { typeUrl: responseType, value };
  }

  #unmatched(): Record<string, bigint> {
    const totals: Record<string, bigint> = {};
    for (const { unmatchedRows } of this.#published) {
      for (const [alias, rows] of Object.entries(unmatchedRows))
        totals[alias] = (totals[alias] ?? 0n) + rows;
    }
    return totals;
  }
}
