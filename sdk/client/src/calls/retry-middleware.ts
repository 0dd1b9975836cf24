import { type Clock, Code, isTesseraError, type Random } from '@tessera/base';
import type { CallOptions, ClientMiddlewareCall } from 'nice-grpc-common';
import { sleep } from './backoff.ts';

export interface RetryOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Calls in all, the first one included. */
  readonly maxAttempts: number;
  /** How long a call may be put off in all, milliseconds. */
  readonly maxWaitMs: number;
  /** False: where there are other daemons, one that is not available is not waited for. */
  readonly waitsForTheUnavailable?: boolean;
}

/**
 * Makes calls that change nothing again when a daemon refused them with a RetryInfo: not before it says, later each time,
 * and each caller at a moment of his own, so that they do not all come back at once. A stream that has begun is
 * never begun again.
 */
export function retriesRefused(options: RetryOptions) {
  const { clock, random, maxAttempts, maxWaitMs, waitsForTheUnavailable = true } = options;
  return async function* <Request, Response>(
    call: ClientMiddlewareCall<Request, Response>,
    callOptions: CallOptions,
  ): AsyncGenerator<Response, Response | void, undefined> {
    if (call.requestStream || !isRepeatable(call.method.path)) {
      return yield* call.next(call.request, callOptions);
    }
    let waitedMs = 0;
    for (let attempt = 1; ; attempt++) {
      let begun = false;
      const responses = call.next(call.request, callOptions);
      try {
        let step = await responses.next();
        while (!step.done) {
          begun = true;
          yield step.value;
          step = await responses.next();
        }
        return step.value;
      } catch (error) {
        const delayMs = delayOf(error, attempt, random);
        const isElsewhere = !waitsForTheUnavailable && codeOf(error) === Code.UNAVAILABLE;
        const mayWait = delayMs !== undefined && !isElsewhere && waitedMs + delayMs <= maxWaitMs;
        if (begun || !mayWait || attempt >= maxAttempts || callOptions.signal?.aborted) throw error;
        waitedMs += delayMs;
        await sleep(clock, delayMs, callOptions.signal);
      } finally {
        await responses.return(undefined as never); // Who stops reading ends the call.
      }
    }
  };
}

function codeOf(error: unknown): Code | undefined {
  return isTesseraError(error) ? error.code : undefined;
}

/** From what the daemon said up to twice that, doubled with each attempt. */
function delayOf(error: unknown, attempt: number, random: Random): number | undefined {
  if (!isTesseraError(error) || error.retryAfterMs === undefined) return undefined;
  return error.retryAfterMs * 2 ** (attempt - 1) * (1 + random.next());
}

/** Scans are left out: who asks storage daemons goes to another replica instead of waiting for this one. */
function isRepeatable(path: string): boolean {
  const [, service = '', method = ''] = path.split('/');
  if (service.startsWith('tessera.storage.')) return false;
  return /^(Get|List|Explain|ExecuteQuery$|Preview)/.test(method);
}
