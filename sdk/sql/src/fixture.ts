import type { DataType } from '@tessera/columnar';
import { bind } from './bind.ts';
import { parse } from './parse.ts';
import type { BindCatalog, BindSettings, Statement, TableDefinition } from './query.ts';

/** Three small tables in two sources, for tests of this package. */
const kind = (k: Exclude<DataType['kind'], 'numeric'>): DataType => ({ kind: k });

function table(
  source: string,
  name: string,
  columns: Readonly<Record<string, DataType>>,
): TableDefinition {
  return {
    name: { source, table: name },
    columns: Object.entries(columns).map(([column, type]) => ({
      name: column,
      type,
      nullable: true,
    })),
  };
}

const tables: readonly TableDefinition[] = [
  table('files', 'flights', {
    date: kind('date'),
    departed: kind('timestamp'),
    seen: kind('timestamptz'),
    origin: kind('text'),
    destination: kind('text'),
    delay: kind('integer'),
    distance: kind('bigint'),
    legs: kind('smallint'),
    fare: { kind: 'numeric', precision: 10, scale: 2 },
    speed: kind('double'),
  }),
  table('files', 'airports', { iata: kind('text'), state: kind('text'), latitude: kind('double') }),
  table('other', 'airports', { iata: kind('text') }),
];

export const fixtureCatalog: BindCatalog = {
  find: (name, source) => {
    const found = tables.filter(
      (t) => t.name.table === name && (source === undefined || t.name.source === source),
    );
    return found.length === 1 ? found[0] : undefined;
  },
  tables: () => tables.map((t) => t.name),
};

/** 2023-11-14 22:13:20 UTC. */
export const fixtureSettings: BindSettings = { timeZone: 'UTC', now: 1_700_000_000_000_000n };

export function bindText(sql: string, settings: BindSettings = fixtureSettings): Statement {
  return bind(parse(sql), fixtureCatalog, settings);
}

/** The reason and place of what `run` throws. */
export function failureOf(run: () => unknown): {
  reason: string;
  line?: string;
  column?: string;
  hint?: string;
} {
  try {
    run();
  } catch (error) {
    const { reason, metadata } = error as { reason?: string; metadata?: Record<string, string> };
    if (reason === undefined) throw error;
    return { reason, ...metadata };
  }
  return { reason: 'none' };
}
