import { type Clock, Code, isTesseraError, systemClock } from '@tessera/base';
import type { storage } from '@tessera/proto';
import type { TesseraClient } from '../clients.ts';
import type { ScanCalls } from './cuboid-scanner.ts';
import { LaneEnded, ScanLane } from './scan-lane.ts';

/**
 * For so long a lane takes scans: who may not scan any more is refused as soon as he would be by calls of their own, and
 * lanes that a burst needed go.
 */
const lifeMs = 4_000;
/** More than these are not kept. */
const maxIdle = 16;

/**
 * Asks scans of one storage daemon over calls that are kept, each for one scan at a time, because a call takes longer to
 * begin than a small scan takes. Where the daemon does not know such calls each scan has a call of its own.
 */
export class ScanLanes implements ScanCalls, Disposable {
  readonly #storage: TesseraClient['storage'];
  readonly #clock: Clock;
  readonly #closed = new AbortController();
  /** The one that was used last is at the end. */
  readonly #idle: ScanLane[] = [];
  #isKnown = true;

  constructor(client: TesseraClient['storage'], clock: Clock = systemClock) {
    this.#storage = client;
    this.#clock = clock;
  }

  async *scanCuboid(
    request: Parameters<ScanCalls['scanCuboid']>[0],
    { signal = new AbortController().signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<storage.ScanCuboidResponse, void, undefined> {
    if (!this.#isKnown) return yield* this.#storage.scanCuboid(request, { signal });
    const lane = this.#take();
    try {
      yield* lane.scan(request, signal);
    } catch (error) {
      if (isTesseraError(error) && error.code === Code.UNIMPLEMENTED) this.#isKnown = false;
      else if (!(error instanceof LaneEnded)) throw error;
      return yield* this.#storage.scanCuboid(request, { signal });
    } finally {
      this.#keep(lane);
    }
  }

  /** Ends the calls that nobody uses, and the others when they are done. */
  [Symbol.dispose](): void {
    this.#closed.abort();
    for (const lane of this.#idle.splice(0)) lane.close();
  }

  #take(): ScanLane {
    for (let lane = this.#idle.pop(); lane !== undefined; lane = this.#idle.pop()) {
      if (lane.isOpen) return lane;
    }
    const lane = new ScanLane(this.#storage);
    void this.#clock
      .sleep(lifeMs, this.#closed.signal)
      .catch(() => {})
      .then(() => lane.close());
    return lane;
  }

  #keep(lane: ScanLane): void {
    if (this.#idle.length >= maxIdle || this.#closed.signal.aborted) lane.close();
    else if (lane.isOpen) this.#idle.push(lane);
  }
}
