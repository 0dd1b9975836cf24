import type { Clock } from '@tessera/base';
import type { World } from './world.ts';

/**
 * One life of a process. Everything that its code waits for comes through `admit`, so a life that has ended does
 * nothing any more, in the middle of whatever it was doing, and one that is paused does nothing until it goes on.
 */
export class Life {
  /** Of the host that it lives on: where messages to and from it go. */
  readonly name: string;
  readonly clock: Clock;
  readonly #world: World;
  readonly #deaths = new Set<() => void>();
  #pausedUntilMs = 0;
  #backlog: (() => void)[] = [];
  #ended = false;

  /** `skewMs`: how wrong its clock on the wall is. */
  constructor(name: string, world: World, skewMs: number) {
    this.name = name;
    this.#world = world;
    this.clock = {
      now: () => BigInt(world.nowMs + skewMs) * 1000n,
      monotonicMs: () => world.nowMs,
      sleep: (durationMs, signal) => this.#sleep(durationMs, signal),
    };
  }

  get ended(): boolean {
    return this.#ended;
  }

  get isPaused(): boolean {
    return this.#pausedUntilMs > this.#world.nowMs;
  }

  /** False: not now, or never. */
  admit(run: () => void): boolean {
    if (this.#ended) return false;
    if (!this.isPaused) return true;
    this.#backlog.push(run);
    return false;
  }

  pause(durationMs: number): void {
    if (this.isPaused || this.#ended) return;
    this.#pausedUntilMs = this.#world.nowMs + durationMs;
    this.#world.after(durationMs, () => this.resume());
  }

  /** What came meanwhile happens now, in its order. */
  resume(): void {
    this.#pausedUntilMs = 0;
    const backlog = this.#backlog;
    this.#backlog = [];
    for (const run of backlog) this.#world.after(0, run, this);
  }

  end(): void {
    this.#ended = true;
    this.#backlog = [];
    for (const hear of this.#deaths) hear();
    this.#deaths.clear();
  }

  /** Returns how to stop listening. */
  onEnd(hear: () => void): () => void {
    this.#deaths.add(hear);
    return () => this.#deaths.delete(hear);
  }

  #sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const cancel = this.#world.after(
        durationMs,
        () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
        this,
      );
      const abort = () => {
        cancel();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
    });
  }
}
