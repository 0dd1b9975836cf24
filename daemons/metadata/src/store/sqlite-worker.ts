import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { invariant } from '@tessera/base';
import type { Write } from './apply-write.ts';
import { applyAll, readChanges, readKey, readRange, readStatus } from './backend.ts';
import { asWriteFailure, openSqliteFile } from './sqlite-file.ts';
import type { SqliteHistory } from './sqlite-history.ts';
import {
  type Arguments,
  type Opened,
  type PlainOutcome,
  type Question,
  type Reply,
  toFailure,
  type WorkerSettings,
} from './sqlite-messages.ts';

/** Owns the connection: the daemon's thread never waits for a disk. */
class SqliteWorker {
  readonly #file: string;
  readonly #database: DatabaseSync;
  readonly #history: SqliteHistory;
  readonly #probe: (stage: string) => void;

  constructor(file: string, probe: (stage: string) => void) {
    const { database, history } = openSqliteFile(file);
    this.#file = file;
    this.#database = database;
    this.#history = history;
    this.#probe = probe;
  }

  answer(question: Question): unknown {
    const { method, arguments: given } = question;
    switch (method) {
      case 'status':
        return readStatus(this.#history);
      case 'statistics':
        return {
          driver: 'sqlite',
          sizeBytes: this.#sizeBytes(),
          faults: [],
          keyCount: this.#history.keyCount(),
        };
      case 'get':
        return readKey(this.#history, ...(given as Arguments<'get'>));
      case 'list':
        return readRange(this.#history, ...(given as Arguments<'list'>));
      case 'changes':
        return readChanges(this.#history, ...(given as Arguments<'changes'>));
      case 'commit':
        return this.#commit(...(given as Arguments<'commit'>));
      case 'close':
        return this.#database.close();
    }
  }

  #sizeBytes(): number {
    return [this.#file, `${this.#file}-wal`].reduce((sum, file) => {
      return sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0);
    }, 0);
  }

  /** All writes in one transaction of the database, so that they share its one wait for the disk. */
  #commit(writes: readonly Write[]): PlainOutcome[] {
    try {
      this.#database.exec('begin immediate');
      this.#probe('begun');
      const outcomes = applyAll(this.#history, writes);
      this.#probe('applied');
      this.#database.exec('commit');
      this.#probe('committed');
      return outcomes.map((outcome) =>
        outcome.ok ? outcome : { ok: false, failure: toFailure(outcome.error) },
      );
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('rollback');
      this.#history.reload();
      throw asWriteFailure(this.#file, error);
    }
  }
}

async function main(port: MessagePort, settings: WorkerSettings): Promise<void> {
  const probe = settings.probe === undefined ? () => {} : (await import(settings.probe)).default;
  let worker: SqliteWorker;
  try {
    worker = new SqliteWorker(settings.file, probe);
  } catch (error) {
    port.postMessage({ failure: toFailure(error) } satisfies Opened);
    return;
  }
  port.on('message', (question: Question) => {
    const { id } = question;
    let reply: Reply;
    try {
      reply = { id, value: worker.answer(question) };
    } catch (error) {
      reply = { id, failure: toFailure(error) };
    }
    port.postMessage(reply);
    if (question.method === 'close') port.close();
  });
  port.postMessage({ opened: true } satisfies Opened);
}

invariant(parentPort !== null, 'this file is the entry of a worker thread');
await main(parentPort, workerData as WorkerSettings);
