import type { CallContext, ServerMiddlewareCall } from 'nice-grpc-common';
import { readerTooSlow } from './errors.ts';
import type { RunningCall, RunningCalls } from './running-calls.ts';
import { whileWanted } from './while-wanted.ts';

/**
 * Counts calls, and ends those that must end before they do by themselves: when the server gives up waiting for them,
 * and when the reader of a stream takes nothing for `stallTimeoutMs`. No message is made before the one before it was
 * taken, so a slow reader costs one message and what its handler holds, and that for a bounded time.
 */
export function trackCalls(calls: RunningCalls, stallTimeoutMs: number) {
  return async function* <Request, Response>(
    call: ServerMiddlewareCall<Request, Response>,
    context: CallContext,
  ): AsyncGenerator<Response, Response | void, undefined> {
    using running = calls.begin(call.method.path);
    const { signal } = running;
    // The server waits for a slow reader by the signal of this very object.
    const watched = Object.assign(context, { signal: AbortSignal.any([context.signal, signal]) });
    const request = taking(call.request, running.noMore);
    const responses: AsyncGenerator<Response, Response | void> = call.next(request, watched);
    let told = false;
    using end = new DisposableStack();
    end.defer(() => {
      // When the server gave the reader up it asks for no more: then this is where the status says why.
      if (!told && signal.aborted) throw signal.reason;
    });
    try {
      while (true) {
        const step = await orCut(responses.next(), signal);
        if (step.done) {
          told = true;
          return step.value;
        }
        using _ = stallTimer(running, stallTimeoutMs);
        yield step.value;
      }
    } catch (error) {
      told = true;
      // A handler whose signal was aborted says that its caller left; he did not.
      throw signal.aborted ? signal.reason : error;
    } finally {
      // Not waited for: one that does not hear the signal must not keep its call from ending.
      void responses.return(undefined).catch(() => {});
    }
  };
}

/** What a caller sends, as long as more of it is to be taken. */
function taking<T>(request: T, noMore: AbortSignal | undefined): T {
  if (noMore === undefined) return request;
  return whileWanted(request as AsyncIterable<unknown>, noMore) as T;
}

function orCut<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const cut = () => reject(signal.reason);
    if (signal.aborted) return cut();
    signal.addEventListener('abort', cut, { once: true });
    const done = () => signal.removeEventListener('abort', cut);
    work.then(resolve, reject).finally(done);
  });
}

function stallTimer(running: RunningCall, timeoutMs: number): Disposable {
  const timer = setTimeout(() => running.cut(readerTooSlow(timeoutMs)), timeoutMs);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
