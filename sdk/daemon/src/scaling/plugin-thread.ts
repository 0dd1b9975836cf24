import { Worker } from 'node:worker_threads';
import { messageOf } from '@tessera/base';
import type { LogLevel } from '../logger.ts';
import type { PluginEntry } from '../plugin-host.ts';
import type {
  PluginCall,
  PluginDescription,
  PluginReply,
  PluginWorkerSettings,
} from './plugin-worker-messages.ts';

export interface PluginThreadOptions {
  readonly workDirectory: string;
  readonly logLevel: LogLevel;
  /** Where a package is looked up when the entry's own folder does not have it. */
  readonly fallbackDirectory?: string;
  /** How long one call may take. Time in which it waits for calls before it does not count. */
  readonly deadlineMs: number;
  /** How long loading the plugin may take. */
  readonly loadDeadlineMs: number;
  /** Of all that the plugin holds. */
  readonly memoryMb: number;
}

export const pluginThreadDefaults = {
  deadlineMs: 5_000,
  loadDeadlineMs: 60_000,
  memoryMb: 512,
} as const;

/** What came of a call. */
export type ThreadAnswer =
  | { readonly kind: 'answer'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly message: string }
  | { readonly kind: 'timedOut'; readonly afterMs: number };

/**
 * A plugin of a stranger in a thread of its own, one call after the other. A call that does not end in time, or takes
 * too much memory, ends with its thread, also in a loop that never yields; the next call has a new one.
 */
export class PluginThread implements AsyncDisposable {
  readonly #settings: PluginWorkerSettings;
  readonly #options: PluginThreadOptions;
  #worker: Worker | undefined;
  #description: PluginDescription | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(entry: PluginEntry<'strategy' | 'veto'>, options: PluginThreadOptions) {
    const { workDirectory, logLevel, fallbackDirectory } = options;
    const folders = {
      workDirectory,
      ...(fallbackDirectory !== undefined && { fallbackDirectory }),
    };
    this.#settings = { entry, logLevel, ...folders };
    this.#options = options;
  }

  /** Never rejects. */
  call(call: PluginCall): Promise<ThreadAnswer> {
    const answer = this.#last.then(() => this.#run(call));
    this.#last = answer;
    return answer;
  }

  /** Loads the plugin, unless it is loaded; what it is, or why it cannot be. Never rejects. */
  describe(): Promise<PluginDescription | ThreadAnswer> {
    if (this.#description !== undefined) return Promise.resolve(this.#description);
    const described = this.#last.then(async () => {
      if (this.#isClosed) return closed;
      const started = await this.#started();
      return started instanceof Worker ? this.#description! : started;
    });
    this.#last = described;
    return described;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#end();
  }

  async #run(call: PluginCall): Promise<ThreadAnswer> {
    if (this.#isClosed) return closed;
    const started = await this.#started();
    if (!(started instanceof Worker)) return started;
    const reply = nextReply(started, this.#options.deadlineMs);
    started.postMessage(call);
    const answer = await reply;
    if (answer.kind === 'answer' || answer.kind === 'threw') return answer;
    await this.#end();
    if (answer.kind === 'timedOut') return answer;
    return { kind: 'threw', message: messageOfReply(answer) };
  }

  /** The thread with the plugin loaded, or why there is none. */
  async #started(): Promise<Worker | ThreadAnswer> {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL(workerFile, import.meta.url), {
      workerData: this.#settings,
      resourceLimits: { maxOldGenerationSizeMb: this.#options.memoryMb },
    });
    worker.unref(); // A process that has nothing else to do may end; calls are waited for by their timers.
    worker.once('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    this.#worker = worker;
    const reply = await nextReply(worker, this.#options.loadDeadlineMs);
    if (reply.kind === 'ready') {
      const { version, options } = reply;
      this.#description = { version, options };
      return worker;
    }
    await this.#end();
    if (reply.kind === 'timedOut') return reply;
    return { kind: 'threw', message: messageOfReply(reply) };
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

const closed: ThreadAnswer = { kind: 'threw', message: 'the plugin is being closed' };

/** The thread runs from where this file runs: sources unbuilt, or the built package. */
const workerFile = import.meta.url.endsWith('.ts') ? './plugin-worker.ts' : './plugin-worker.js';

type WorkerReply =
  | PluginReply
  | { readonly kind: 'timedOut'; readonly afterMs: number }
  | { readonly kind: 'ended'; readonly message: string };

const messageOfReply = (reply: WorkerReply): string =>
  'message' in reply ? reply.message : 'it answered before it was asked';

/** The thread's next message, or why there is none. */
function nextReply(worker: Worker, deadlineMs: number): Promise<WorkerReply> {
  const { promise, resolve } = Promise.withResolvers<WorkerReply>();
  const onMessage = (reply: PluginReply) => resolve(reply);
  const onError = (error: unknown) => resolve({ kind: 'ended', message: messageOf(error) });
  const onExit = () => resolve({ kind: 'ended', message: 'it ended its own thread' });
  const timer = setTimeout(() => resolve({ kind: 'timedOut', afterMs: deadlineMs }), deadlineMs);
  worker.once('message', onMessage).once('error', onError).once('exit', onExit);
  return promise.finally(() => {
    clearTimeout(timer);
    worker.off('message', onMessage).off('error', onError).off('exit', onExit);
  });
}
