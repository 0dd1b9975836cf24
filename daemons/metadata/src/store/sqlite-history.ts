import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { KeyRange, Lease } from '@tessera/base';
import type { ChangesRequest, History, RangeOptions, Row } from './history.ts';

/** Raised when the tables change; a file of another format is refused. */
export const formatVersion = 1;

/**
 * `superseded` is the revision that overwrote or deleted a version; the newest version of a key has none. The
 * order of `id` is the order of the changes. Text is compared by bytes, as keys are.
 */
export const schema = `
  create table if not exists counters (name text primary key, value integer not null) strict, without rowid;
  create table if not exists versions (
    id integer primary key,
    key text not null,
    mod_revision integer not null,
    superseded integer,
    create_revision integer not null,
    version integer not null,
    lease integer not null,
    value blob
  ) strict;
  create unique index if not exists versions_by_key on versions (key, mod_revision);
  create unique index if not exists versions_newest on versions (key) where superseded is null;
  create index if not exists versions_by_revision on versions (mod_revision);
  create index if not exists versions_superseded on versions (superseded) where superseded is not null;
  create index if not exists versions_by_lease on versions (lease, key) where lease <> 0 and superseded is null;
  create table if not exists leases (id integer primary key, ttl_ms integer not null) strict;
  insert or ignore into counters values ('revision', 1), ('compactRevision', 0), ('nextLeaseId', 1);
`;

const columns = 'key, mod_revision, create_revision, version, lease, value';

/** The end is left out where there is none, so that the index bounds every range on both sides. */
const inRange = ({ end }: KeyRange) =>
  end === undefined ? 'key >= :start' : 'key >= :start and key < :end';
const bounds = ({ start, end }: KeyRange) => (end === undefined ? { start } : { start, end });

interface Counters {
  revision: bigint;
  compactRevision: bigint;
  nextLeaseId: bigint;
}

/** A history in the tables of an open database; whoever owns the connection begins and commits. */
export class SqliteHistory implements History {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #counters: Counters = { revision: 1n, compactRevision: 0n, nextLeaseId: 1n };

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.reload();
  }

  get revision(): bigint {
    return this.#counters.revision;
  }

  get compactRevision(): bigint {
    return this.#counters.compactRevision;
  }

  get nextLeaseId(): bigint {
    return this.#counters.nextLeaseId;
  }

  /** Reads again what is kept in memory: after a transaction of the database was rolled back. */
  reload(): void {
    const rows = this.#sql('select name, value from counters').all();
    const values = rows.map((row) => [String(row['name']), row['value']]);
    this.#counters = Object.fromEntries(values) as unknown as Counters;
  }

  find(key: string, revision?: bigint): Row | undefined {
    const found =
      revision === undefined
        ? this.#sql(`select ${columns} from versions where key = ? and superseded is null`).get(key)
        : this.#sql(
            `select ${columns} from versions where key = ? and mod_revision <= ? order by mod_revision desc limit 1`,
          ).get(key, revision);
    const row = found && toRow(found);
    return row?.value === undefined ? undefined : row;
  }

  range(range: KeyRange, { revision, startAfter = '', limit = -1 }: RangeOptions): Row[] {
    const alive =
      revision === undefined
        ? 'superseded is null'
        : 'mod_revision <= :revision and (superseded is null or superseded > :revision)';
    const statement = this.#sql(
      `select ${columns} from versions where ${inRange(range)} and key > :startAfter and value is not null and ${alive} order by key limit :limit`,
    );
    const at = revision === undefined ? {} : { revision };
    return statement.all({ ...bounds(range), startAfter, limit, ...at }).map(toRow);
  }

  changes({ range, from, through, limit }: ChangesRequest): Row[] {
    const statement = this.#sql(
      `select ${columns} from versions indexed by versions_by_revision where mod_revision between :from and :through and ${inRange(range)} order by mod_revision, id limit :limit`,
    );
    return statement.all({ ...bounds(range), from, through, limit }).map(toRow);
  }

  append(row: Row): void {
    this.#sql('update versions set superseded = ? where key = ? and superseded is null').run(
      row.modRevision,
      row.key,
    );
    this.#sql(`insert into versions (${columns}) values (?, ?, ?, ?, ?, ?)`).run(
      row.key,
      row.modRevision,
      row.createRevision,
      row.version,
      row.lease,
      row.value ?? null,
    );
    this.#count('revision', row.modRevision);
  }

  compact(revision: bigint): void {
    this.#sql('delete from versions where superseded <= ?').run(revision);
    this.#sql(
      'delete from versions where superseded is null and value is null and mod_revision < ?',
    ).run(revision);
    this.#count('compactRevision', revision);
  }

  keyCount(): number {
    const text =
      'select count(*) as n from versions where superseded is null and value is not null';
    return Number(this.#sql(text).get()?.['n']);
  }

  putLease({ id, ttlMs }: Lease): void {
    this.#sql('insert into leases values (?, ?)').run(id, ttlMs);
    this.#count('nextLeaseId', id + 1n);
  }

  dropLease(id: bigint): void {
    this.#sql('delete from leases where id = ?').run(id);
  }

  hasLease(id: bigint): boolean {
    return this.#sql('select 1 from leases where id = ?').get(id) !== undefined;
  }

  leases(): Lease[] {
    const rows = this.#sql('select id, ttl_ms from leases order by id').all();
    return rows.map((row) => ({ id: row['id'] as bigint, ttlMs: Number(row['ttl_ms']) }));
  }

  keysOfLease(id: bigint): string[] {
    const statement = this.#sql(
      'select key from versions where lease = ? and lease <> 0 and superseded is null order by key',
    );
    return statement.all(id).map((row) => String(row['key']));
  }

  #count(name: keyof Counters, value: bigint): void {
    if (this.#counters[name] === value) return;
    this.#sql('update counters set value = ? where name = ?').run(value, name);
    this.#counters[name] = value;
  }

  #sql(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(text);
    statement.setReadBigInts(true);
    this.#statements.set(text, statement);
    return statement;
  }
}

function toRow(row: Record<string, unknown>): Row {
  return {
    key: row['key'] as string,
    value: (row['value'] as Uint8Array | null) ?? undefined,
    createRevision: row['create_revision'] as bigint,
    modRevision: row['mod_revision'] as bigint,
    version: row['version'] as bigint,
    lease: row['lease'] as bigint,
  };
}
