/**
 * What the host has decided, on disk before it acts. One SQLite file, for this process alone: its exclusive lock goes
 * with the process, so a crash leaves nothing to clean up, and a second daemon on the same directory is refused.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { messageOf } from '@tessera/base';
import { diskFull, openSqliteAlone, sqliteCode, sqliteCodeOf } from '@tessera/daemon';
import type { StoredArtifact } from '../artifact/artifact-store.ts';
import { directoryLocked, fenced, journalCorrupt, journalFailed } from '../errors.ts';
import type { ProcessRecord } from '../process/process-record.ts';
import type { ProcessSpec } from '../process/process-spec.ts';

export interface Fence {
  readonly lease: string;
  readonly token: bigint;
}

const schema = `
  create table if not exists facts (name text primary key, value text not null) strict;
  create table if not exists processes (id text primary key, record text not null) strict;
  create table if not exists artifacts (digest text primary key, record text not null) strict;
  create table if not exists fences (lease text primary key, token text not null) strict;
`;

export class Journal implements Disposable {
  readonly #file: string;
  readonly #database: DatabaseSync;
  #revision: bigint;

  /** @throws HOST_DIRECTORY_LOCKED, HOST_JOURNAL_CORRUPT, HOST_JOURNAL_FAILED. */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o750 });
    this.#file = join(directory, 'journal.sqlite');
    try {
      this.#database = openAlone(this.#file);
      this.#revision = BigInt(this.fact('revision') ?? '0');
    } catch (error) {
      throw asOpenFailure(directory, this.#file, error);
    }
  }

  /** Grows with every change of a process. */
  get revision(): bigint {
    return this.#revision;
  }

  processes(): ProcessRecord[] {
    const rows = this.#database.prepare('select record from processes order by id').all();
    return rows.map(({ record }) => withDefaults(JSON.parse(String(record))));
  }

  /** Synced when this returns, with its revision. @throws HOST_JOURNAL_FAILED, DISK_FULL: nothing was written. */
  saveProcess(record: ProcessRecord): ProcessRecord {
    const saved = { ...record, revision: Number(this.#revision + 1n) };
    const values = [record.id, JSON.stringify(saved)];
    this.#change('insert or replace into processes values (?, ?)', values);
    return saved;
  }

  /** Gives the revision at which it is gone. */
  deleteProcess(id: string): bigint {
    this.#change('delete from processes where id = ?', [id]);
    return this.#revision;
  }

  artifacts(): StoredArtifact[] {
    const rows = this.#database.prepare('select record from artifacts order by digest').all();
    return rows.map(({ record }) => JSON.parse(String(record)));
  }

  saveArtifact(artifact: StoredArtifact): void {
    const record = JSON.stringify(artifact);
    this.#write('insert or replace into artifacts values (?, ?)', [artifact.digest, record]);
  }

  deleteArtifact(digest: string): void {
    this.#write('delete from artifacts where digest = ?', [digest]);
  }

  fact(name: string): string | undefined {
    const row = this.#database.prepare('select value from facts where name = ?').get(name);
    return row === undefined ? undefined : String(row['value']);
  }

  saveFact(name: string, value: string): void {
    this.#write('insert or replace into facts values (?, ?)', [name, value]);
  }

  /** Remembers the newest token of each lease. @throws FENCED for an older one. */
  checkFence(fence: Fence | undefined): void {
    if (fence === undefined) return;
    const { lease, token } = fence;
    const row = this.#database.prepare('select token from fences where lease = ?').get(lease);
    const newest = BigInt(String(row?.['token'] ?? '0'));
    if (token < newest || token <= 0n) throw fenced(lease, token);
    if (token > newest)
      this.#write('insert or replace into fences values (?, ?)', [lease, `${token}`]);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  /** One transaction with the next revision. */
  #change(sql: string, values: readonly string[]): void {
    const next = this.#revision + 1n;
    this.#guard(() => {
      this.#database.exec('begin immediate');
      try {
        this.#database.prepare(sql).run(...values);
        const revision = "insert or replace into facts values ('revision', ?)";
        this.#database.prepare(revision).run(`${next}`);
        this.#database.exec('commit');
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('rollback');
        throw error;
      }
    });
    this.#revision = next;
  }

  #write(sql: string, values: readonly string[]): void {
    this.#guard(() => this.#database.prepare(sql).run(...values));
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      const isFull = sqliteCodeOf(error) === sqliteCode.full;
      throw isFull ? diskFull(this.#file, error) : journalFailed(this.#file, error);
    }
  }
}

/** What an older version of the daemon has written has no files, and nothing to unpack. */
function withDefaults(record: ProcessRecord): ProcessRecord {
  const { files = [], artifacts, ...rest } = record.spec as Partial<ProcessSpec> & ProcessSpec;
  const links = artifacts.map((link) => ({ ...link, unpack: link.unpack ?? false }));
  return { ...record, spec: { ...rest, artifacts: links, files } };
}

function openAlone(file: string): DatabaseSync {
  const database = openSqliteAlone(file);
  try {
    const report = database.prepare('pragma integrity_check(1)').get();
    const outcome = String(report?.['integrity_check']);
    if (outcome !== 'ok') throw journalCorrupt(file, outcome);
    database.exec('pragma journal_mode = wal; pragma synchronous = full;');
    database.exec(schema);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function asOpenFailure(directory: string, file: string, error: unknown): unknown {
  switch (sqliteCodeOf(error)) {
    case sqliteCode.busy:
    case sqliteCode.locked:
      return directoryLocked(directory);
    case sqliteCode.corrupt:
    case sqliteCode.notADatabase:
      return journalCorrupt(file, messageOf(error));
    case undefined:
      return error;
    default:
      return journalFailed(file, error);
  }
}
