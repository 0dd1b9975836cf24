import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock, KeyValueStore } from '@tessera/base';
import { storeClosed, storeUnreadable } from '../errors.ts';
import type { Backend, WriteOutcome } from './backend.ts';
import { MvccStore } from './mvcc-store.ts';
import {
  type Answer,
  type Arguments,
  fromFailure,
  type Method,
  type Opened,
  type PlainOutcome,
  type Question,
  type Reply,
  type WorkerSettings,
} from './sqlite-messages.ts';

export interface SqliteStoreOptions extends WorkerSettings {
  readonly clock: Clock;
}

/**
 * A durable store in one file, for one process. An acknowledged write survives `kill -9` and, as far as the
 * disk keeps its word, a loss of power.
 * @throws STORE_LOCKED when another process has it, STORE_CORRUPT when it is damaged.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<KeyValueStore> {
  const { clock, ...settings } = options;
  try {
    mkdirSync(dirname(settings.file), { recursive: true });
  } catch (error) {
    throw storeUnreadable(settings.file, error);
  }
  const worker = new Worker(new URL(workerFile, import.meta.url), { workerData: settings });
  const [opened] = (await once(worker, 'message')) as [Opened];
  if ('failure' in opened) {
    await worker.terminate();
    throw fromFailure(opened.failure);
  }
  return MvccStore.over(new WorkerBackend(worker), clock);
}

/** The worker runs from where this file runs: sources unbuilt, or the built package. */
const workerFile = import.meta.url.endsWith('.ts') ? './sqlite-worker.ts' : './sqlite-worker.js';

interface Asked {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Sends each call to the worker; answers come back in the order of the questions. */
class WorkerBackend implements Backend {
  readonly #worker: Worker;
  readonly #asked = new Map<number, Asked>();
  #nextId = 1;
  #ended: Error | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (reply: Reply) => this.#settle(reply));
    worker.on('error', (error) => this.#end(error as Error));
    worker.on('exit', () => this.#end(storeClosed()));
  }

  status() {
    return this.#ask('status');
  }

  statistics() {
    return this.#ask('statistics');
  }

  get(...given: Arguments<'get'>) {
    return this.#ask('get', ...given);
  }

  list(...given: Arguments<'list'>) {
    return this.#ask('list', ...given);
  }

  changes(...given: Arguments<'changes'>) {
    return this.#ask('changes', ...given);
  }

  async commit(...given: Arguments<'commit'>): Promise<WriteOutcome[]> {
    const outcomes = (await this.#ask('commit', ...given)) as readonly PlainOutcome[];
    return outcomes.map((outcome) =>
      outcome.ok ? outcome : { ok: false, error: fromFailure(outcome.failure) },
    );
  }

  async close(): Promise<void> {
    const exited = once(this.#worker, 'exit');
    await this.#ask('close');
    await exited;
  }

  #ask<M extends Method>(method: M, ...given: Arguments<M>): Promise<Answer<M>> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const question: Question<M> = { id: this.#nextId++, method, arguments: given };
    return new Promise((resolve, reject) => {
      this.#asked.set(question.id, { resolve: resolve as Asked['resolve'], reject });
      this.#worker.postMessage(question);
    });
  }

  #settle(reply: Reply): void {
    const asked = this.#asked.get(reply.id);
    this.#asked.delete(reply.id);
    if ('failure' in reply) asked?.reject(fromFailure(reply.failure));
    else asked?.resolve(reply.value);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#asked.values()) reject(this.#ended);
    this.#asked.clear();
  }
}
