import { type DuckDbConnection, quoteName, quoteText } from '@tessera/duckdb';
import type { FileStore } from '../files/file-store.ts';

interface Snapshot {
  readonly name: string;
  leases: number;
  /** Deleted; the table goes with its last lease. */
  doomed: boolean;
}

export interface SnapshotLease {
  /** The table's name in SQL. */
  readonly table: string;
  readonly release: () => void;
}

/** Lookup snapshots as tables of a database, for scans of files; on one connection of its own. */
export class SnapshotTables {
  readonly #files: FileStore;
  readonly #connection: DuckDbConnection;
  readonly #snapshots = new Map<string, Promise<Snapshot>>();
  #tables = 0;
  #work: Promise<unknown> = Promise.resolve();

  constructor(files: FileStore, connection: DuckDbConnection) {
    this.#files = files;
    this.#connection = connection;
  }

  /** Loads the snapshot when it is first asked for. @throws SNAPSHOT_NOT_STORED, LAYOUT_CORRUPTED. */
  async lease(project: string, id: string): Promise<SnapshotLease> {
    const key = `${project}/${id}`;
    let loaded = this.#snapshots.get(key);
    if (loaded === undefined) {
      loaded = this.#inTurn(() => this.#load(project, id));
      this.#snapshots.set(key, loaded);
      loaded.catch(() => this.#snapshots.delete(key)); // The next scan tries again.
    }
    const snapshot = await loaded;
    snapshot.leases++;
    const release = () => {
      snapshot.leases--;
      this.#dropIfDoomed(snapshot);
    };
    return { table: quoteName(snapshot.name), release };
  }

  forget(project: string, id: string): void {
    const key = `${project}/${id}`;
    const loaded = this.#snapshots.get(key);
    this.#snapshots.delete(key);
    void loaded?.then((snapshot) => {
      snapshot.doomed = true;
      this.#dropIfDoomed(snapshot);
    });
  }

  #dropIfDoomed(snapshot: Snapshot): void {
    if (!snapshot.doomed || snapshot.leases > 0) return;
    void this.#inTurn(() => this.#connection.dropTable(snapshot.name)).catch(() => {});
  }

  async #load(project: string, id: string): Promise<Snapshot> {
    using file = await this.#files.holdSnapshot(project, id);
    const name = `snapshot ${++this.#tables}`;
    await this.#connection.execute(
      `CREATE TABLE ${quoteName(name)} AS SELECT * FROM read_parquet(${quoteText(file.path)})`,
    );
    return { name, leases: 0, doomed: false };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#work.then(work);
    this.#work = next.catch(() => {});
    return next;
  }
}
