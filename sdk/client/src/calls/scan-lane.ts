import type { storage } from '@tessera/proto';
import { tracedRequest } from '@tessera/telemetry';
import type { TesseraClient } from '../clients.ts';
import { countAs } from './message-sizes.ts';

/** What spans of a scan are named for, however it is asked. */
export const scanCuboidPath = '/tessera.storage.v1.StorageService/ScanCuboid';

type Scan = Parameters<TesseraClient['storage']['scanCuboid']>[0];
interface Request {
  readonly scan: Scan;
  readonly traceparent: string;
  readonly tracestate: string;
}
type Step = IteratorResult<storage.ScanCuboidsResponse, unknown>;

/** The daemon ended the lane in good order and answered nothing to the last request. */
export class LaneEnded extends Error {}

/** One call to a storage daemon that takes one scan after the other. It begins at once. */
export class ScanLane {
  readonly #stop = new AbortController();
  readonly #responses: AsyncIterator<storage.ScanCuboidsResponse>;
  /** Undefined: there are no more. */
  #asked = Promise.withResolvers<Request | undefined>();
  /** Asked for ahead, so that the end is known of a lane that nobody uses. */
  #next: Promise<Step>;
  #isOpen = true;

  constructor(client: Pick<TesseraClient['storage'], 'scanCuboids'>) {
    const { signal } = this.#stop;
    this.#responses = client.scanCuboids(this.#requests(), { signal })[Symbol.asyncIterator]();
    this.#next = this.#ahead();
  }

  /** False: it takes no more scans. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * The answer to one scan, before the end of which there must not be another. The lane is lost when the scan fails, is
   * aborted or is not read to its end.
   * @throws LaneEnded; what ScanCuboid throws.
   */
  scan(scan: Scan, signal: AbortSignal): AsyncIterable<storage.ScanCuboidResponse> {
    return tracedRequest(scanCuboidPath, (trace) => this.#scan({ ...trace, scan }, signal));
  }

  /** Takes no more scans; the call ends. */
  close(): void {
    this.#isOpen = false;
    this.#asked.resolve(undefined);
  }

  async *#scan(
    request: Request,
    signal: AbortSignal,
  ): AsyncGenerator<storage.ScanCuboidResponse, void, undefined> {
    signal.throwIfAborted();
    const cut = () => this.#cut();
    signal.addEventListener('abort', cut, { once: true });
    let isLast = false;
    try {
      this.#asked.resolve(request);
      while (!isLast) {
        const step = await this.#next;
        if (step.done) throw new LaneEnded();
        const { scan, last } = step.value;
        isLast = last;
        this.#next = this.#ahead();
        countAs(request.scan, request);
        countAs(scan!, step.value);
        yield scan!;
      }
    } finally {
      signal.removeEventListener('abort', cut);
      if (!isLast) this.#cut();
    }
  }

  async *#requests(): AsyncGenerator<Request, void, undefined> {
    do {
      const request = await this.#asked.promise;
      if (request === undefined) return;
      this.#asked = Promise.withResolvers();
      yield request;
    } while (this.#isOpen);
  }

  #ahead(): Promise<Step> {
    const next = this.#responses.next();
    next.then(
      ({ done }) => {
        if (done) this.close();
      },
      () => this.close(),
    );
    return next;
  }

  #cut(): void {
    this.close();
    this.#stop.abort();
  }
}
