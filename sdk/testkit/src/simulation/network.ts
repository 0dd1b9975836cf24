import { Code, TesseraError } from '@tessera/base';
import type { Life } from './life.ts';
import type { World } from './world.ts';

/** A place on the network: whoever lives there answers. */
export interface Host {
  readonly name: string;
  readonly life: Life | undefined;
}

export interface Weather {
  /** Probabilities, for each message. */
  readonly loss: number;
  readonly duplication: number;
  /** Of one that is overtaken by many others. */
  readonly late: number;
  readonly delayMs: number;
  readonly lateMs: number;
}

export const fairWeather: Weather = { loss: 0, duplication: 0, late: 0, delayMs: 2, lateMs: 0 };

/** A caller does not wait longer than this; what he asked for may still be done. */
const callTimeoutMs = 2_000;
/** A stream that has broken is noticed after this. */
const keepAliveMs = 1_000;

type Done<T> = { readonly value: T } | { readonly error: unknown };

/** Calls between hosts: messages are delayed, lost, delivered twice, overtaken, and stopped by partitions. */
export class Network {
  weather: Weather = fairWeather;
  readonly #world: World;
  readonly #cut = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  cut(a: string, b: string): void {
    this.#cut.add(linkOf(a, b));
  }

  mend(a: string, b: string): void {
    this.#cut.delete(linkOf(a, b));
  }

  isCut(a: string, b: string): boolean {
    return this.#cut.has(linkOf(a, b));
  }

  mendAll(): void {
    this.#cut.clear();
  }

  /**
   * One call and its answer. `serve` runs in the life that is found at `to` when the message arrives.
   * @throws UNAVAILABLE when no answer came in time, which says nothing about whether it was done.
   */
  call<T>(
    from: Life,
    to: Host,
    serve: () => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (from.ended) return; // It sends nothing any more, and hears nothing.
      const finish = (done: Done<T>) => {
        giveUp();
        signal?.removeEventListener('abort', abort);
        if ('value' in done) resolve(done.value);
        else reject(done.error);
      };
      const late = () => finish({ error: unavailable(to.name) });
      const giveUp = this.#world.after(callTimeoutMs, late, from);
      const abort = () => finish({ error: signal?.reason });
      signal?.addEventListener('abort', abort, { once: true });
      const answer = (done: Done<T>) =>
        this.#send(to.name, from.name, (delayMs) =>
          this.#world.after(delayMs, () => finish(done), from),
        );
      this.#send(from.name, to.name, (delayMs) =>
        this.#world.after(delayMs, () => this.#arrive(to, serve, answer)),
      );
    });
  }

  /**
   * A stream of answers, in order. It breaks when one of them gets lost or either side dies.
   * @throws UNAVAILABLE when it has broken.
   */
  async *stream<T>(
    from: Life,
    to: Host,
    serve: (signal: AbortSignal) => AsyncIterable<T>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<T> {
    const inbox = new Inbox<T>();
    const ended = new AbortController();
    const abort = () => inbox.end(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    const forget = from.onEnd(() => ended.abort());
    this.#open(from, to, serve, inbox, ended);
    try {
      for (;;) {
        const next = await inbox.take();
        if (next === undefined) return;
        yield next;
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      forget();
      ended.abort();
    }
  }

  #open<T>(
    from: Life,
    to: Host,
    serve: (signal: AbortSignal) => AsyncIterable<T>,
    inbox: Inbox<T>,
    ended: AbortController,
  ): void {
    const world = this.#world;
    let lastMs = world.nowMs;
    const tell = (deliver: () => void) => {
      let sent = false;
      this.#send(to.name, from.name, (delayMs) => {
        if (sent) return; // A connection delivers everything once.
        sent = true;
        lastMs = Math.max(lastMs, world.nowMs + delayMs);
        world.after(lastMs - world.nowMs, deliver, from);
      });
      if (!sent) stop();
    };
    const stop = () => {
      ended.abort();
      world.after(keepAliveMs, () => inbox.end(unavailable(to.name)), from);
    };
    const pump = async (life: Life) => {
      const forget = life.onEnd(stop);
      try {
        for await (const item of serve(ended.signal)) {
          if (ended.signal.aborted) return;
          tell(() => inbox.put(item));
        }
        tell(() => inbox.end());
      } catch (error) {
        tell(() => inbox.end(error));
      } finally {
        forget();
      }
    };
    let opened = false;
    this.#send(from.name, to.name, (delayMs) => {
      if (opened) return;
      opened = true;
      world.after(delayMs, () => {
        const { life } = to;
        if (life === undefined) stop();
        else world.after(0, () => void pump(life), life);
      });
    });
    if (!opened) stop();
  }

  #arrive<T>(to: Host, serve: () => Promise<T>, answer: (done: Done<T>) => void): void {
    const { life } = to;
    if (life === undefined) {
      answer({ error: unavailable(to.name) });
      return;
    }
    const run = () => {
      void serve().then(
        (value) => answer({ value }),
        (error) => answer({ error }),
      );
    };
    this.#world.after(0, run, life);
  }

  /** Once, twice, or not at all. */
  #send(from: string, to: string, deliver: (delayMs: number) => void): void {
    const { random } = this.#world;
    const { loss, duplication, late, delayMs, lateMs } = this.weather;
    const copies = random.next() < duplication ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (this.#cut.has(linkOf(from, to)) || random.next() < loss) continue;
      const isLate = random.next() < late;
      deliver(random.integer(1, isLate ? Math.max(lateMs, 1) : delayMs));
    }
  }
}

/** What has arrived and was not taken yet. */
class Inbox<T> {
  readonly #items: T[] = [];
  #end: { readonly error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  put(item: T): void {
    if (this.#end !== undefined) return;
    this.#items.push(item);
    this.#wake?.();
  }

  end(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error };
    this.#wake?.();
  }

  /** `undefined` at the end. */
  async take(): Promise<T | undefined> {
    for (;;) {
      if (this.#end?.error !== undefined) throw this.#end.error;
      const item = this.#items.shift();
      if (item !== undefined) return item;
      if (this.#end !== undefined) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

function linkOf(a: string, b: string): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}

/** What a caller sees of a host that is not there, or too slow. */
export function unavailable(host: string): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'UNAVAILABLE',
    message: `${host} did not answer in time; try again.`,
    metadata: { host },
  });
}
