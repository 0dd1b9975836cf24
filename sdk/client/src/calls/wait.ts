import { type Clock, type Random, seededRandom, systemClock } from '@tessera/base';
import type { longrunning } from '@tessera/proto';
import { scheduler } from '@tessera/proto';
import type { TesseraClient } from '../clients.ts';
import { errorOf } from '../errors/status-details.ts';
import { responseMissing } from '../errors.ts';
import { durationToProto } from '../resources/time.ts';
import { Backoff, sleep } from './backoff.ts';

export interface WaitOptions<Response> {
  /** The message that the operation answers with, such as `scheduler.BuildSegmentsResponse`. */
  readonly response: { decode(bytes: Uint8Array): Response };
  /** Called with each state that is seen, the last one included. */
  readonly onProgress?: (progress: scheduler.BuildProgress) => void;
  /** Stops the waiting. The operation goes on, unless `cancelWithSignal`. */
  readonly signal?: AbortSignal;
  /** Cancels the operation with the signal, and waits until that is asked. */
  readonly cancelWithSignal?: boolean;
  /** Failures in a row that are waited out: the daemon may restart, and the operation goes on. */
  readonly maxAttempts?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

const longPollMs = 1_000;
const shortestPollMs = 100;

/**
 * Waits until an operation is done.
 * @throws what the operation failed with; CANCELLED when it, or the waiting, was cancelled.
 */
export async function wait<Response>(
  operations: TesseraClient['operations'],
  operation: longrunning.Operation,
  options: WaitOptions<Response>,
): Promise<Response> {
  const { signal, clock = systemClock, random = seededRandom(Date.now()) } = options;
  let cancelled: Promise<unknown> | undefined;
  const cancel = () => {
    cancelled = operations.cancelOperation({ name: operation.name }).catch(() => {}); // It may be done by now.
  };
  if (options.cancelWithSignal) {
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
  }
  const { maxAttempts } = options;
  const backoff = new Backoff({
    clock,
    random,
    signal,
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
  });
  try {
    let current = operation;
    while (true) {
      report(current, options);
      if (current.done) return responseOf(current, options.response);
      const startedMs = clock.monotonicMs();
      try {
        current = await operations.waitOperation(
          { name: operation.name, timeout: durationToProto(longPollMs) },
          signal ? { signal } : {},
        );
        backoff.reset();
      } catch (error) {
        await backoff.afterFailure(error);
        continue;
      }
      const waitedMs = clock.monotonicMs() - startedMs;
      if (!current.done && waitedMs < shortestPollMs) {
        await sleep(clock, shortestPollMs - waitedMs, signal);
      }
    }
  } finally {
    signal?.removeEventListener('abort', cancel);
    await cancelled; // The caller may close the connection next, and with it a request that has not been sent.
  }
}

function report<Response>(operation: longrunning.Operation, options: WaitOptions<Response>): void {
  if (operation.metadata?.typeUrl.endsWith('/tessera.scheduler.v1.BuildProgress')) {
    options.onProgress?.(scheduler.BuildProgress.decode(operation.metadata.value));
  }
}

function responseOf<Response>(
  operation: longrunning.Operation,
  codec: { decode(bytes: Uint8Array): Response },
): Response {
  const { result } = operation;
  if (result?.$case === 'error') throw errorOf(result.value);
  if (result?.$case === 'response') return codec.decode(result.value.value);
  throw responseMissing(operation.name);
}
