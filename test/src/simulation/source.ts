import { daysFromCivil, microsPerDay } from '@tessera/columnar';
import type { SegmentRange } from '@tessera/cube';
import type { Connector, ExternalTable } from '@tessera/plugin';

/** Rows of one month as they were in one version of the table. */
export interface MonthRead {
  readonly month: number;
  readonly version: number;
}

/** Those that have rows: January, February, April and May. What is built of March has no files. */
export const months = [0, 1, 3, 4] as const;

/** When the rows of a month lie: days since 1970 of its second day. */
export function dayOf(month: number): number {
  return daysFromCivil({ year: 2024, month: month + 1, day: 2 });
}

export function rowsOf({ month, version }: MonthRead): bigint {
  return BigInt(10 + 7 * month + 3 * version);
}

export function monthsIn(range: SegmentRange): number[] {
  if (range.kind !== 'range') return range.kind === 'all' ? [...months] : [];
  return months.filter((month) => {
    const micros = BigInt(dayOf(month)) * microsPerDay;
    return range.start <= micros && micros < range.end;
  });
}

/** A table of some months that gets more rows now and then, each time under another version. */
export class FakeSource {
  version = 1;

  readonly tables: readonly ExternalTable[] = [
    {
      name: 't',
      columns: [{ name: 'd', type: { kind: 'date' }, nullable: false }],
      statistics: {},
    },
  ];

  get connector(): Connector {
    return {
      catalog: async () => this.tables,
      version: async () => ({ known: true, token: String(this.version) }),
      plan: async ({ predicates }) => ({
        predicates: predicates.map(() => 'unsupported' as const),
        aggregate: 'unsupported',
        splits: [],
      }),
      read: async function* () {},
    };
  }
}
