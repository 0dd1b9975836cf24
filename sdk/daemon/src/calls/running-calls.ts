import { shuttingDown } from './errors.ts';

/** A call from its arrival to its end. */
export interface RunningCall extends Disposable {
  /** Aborts, with the reason to tell, when the call must end before it does by itself. */
  readonly signal: AbortSignal;
  /** Aborts when no more requests are to be taken from its caller; absent: they belong together. */
  readonly noMore?: AbortSignal;
  cut(reason: unknown): void;
}

/**
 * - `work`: ends by itself, and is waited for.
 * - `series`: does one piece of work after the other while its caller sends them; the piece it is at is waited for.
 * - `endless`: a watch, or waiting for what others do; its caller comes again by himself.
 * - `health`: answered until the very end.
 */
type CallKind = 'work' | 'series' | 'endless' | 'health';

/** The calls that a server is busy with, and how they end when it is told to stop. */
export class RunningCalls {
  readonly #calls = new Map<RunningCall, CallKind>();
  readonly #draining = new AbortController();
  #changed: (() => void) | undefined;

  /** Those that are waited for. */
  get working(): number {
    return [...this.#calls.values()].filter((kind) => kind !== 'health').length;
  }

  /** @param path as gRPC has it. @throws SHUTTING_DOWN */
  begin(path: string): RunningCall {
    const kind = kindOf(path);
    if (this.#draining.signal.aborted && kind !== 'health') throw shuttingDown();
    const control = new AbortController();
    const call: RunningCall = {
      signal: control.signal,
      ...(kind === 'series' ? { noMore: this.#draining.signal } : {}),
      cut: (reason) => control.abort(reason),
      [Symbol.dispose]: () => {
        this.#calls.delete(call);
        this.#changed?.();
      },
    };
    this.#calls.set(call, kind);
    return call;
  }

  /** Refuses new calls and pieces of work from now on and ends the endless calls. Resolves when the others are done, or `late` is aborted. */
  async drain(late: AbortSignal): Promise<void> {
    this.#draining.abort();
    this.#cut((kind) => kind === 'endless');
    while (this.working > 0 && !late.aborted) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
        late.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    this.#cut(() => true);
  }

  #cut(which: (kind: CallKind) => boolean): void {
    for (const [call, kind] of this.#calls) if (which(kind)) call.cut(shuttingDown());
  }
}

function kindOf(path: string): CallKind {
  if (path.startsWith('/grpc.health.')) return 'health';
  const method = path.slice(path.lastIndexOf('/') + 1);
  if (method === 'ScanCuboids') return 'series';
  return /^(Watch|Wait|ServerReflectionInfo$|ReadLogs$)/.test(method) ? 'endless' : 'work';
}
