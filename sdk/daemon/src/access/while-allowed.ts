import { type Clock, Code, type TesseraError } from '@tessera/base';

export interface WhileAllowedOptions {
  /** Why the call may not go on, at the moment of asking. */
  readonly refusal: () => Promise<TesseraError | undefined>;
  /** Told once, before the call ends. */
  readonly onRefused: (refusal: TesseraError) => void;
  readonly everyMs: number;
  readonly clock: Clock;
  /** Ends the call, as its caller wants. */
  readonly signal: AbortSignal;
}

/** For so long a call goes on while nobody can say whether it may. */
const maxUnknownMs = 60_000;

/**
 * Passes on what a call gives, and asks from time to time whether it may go on. Once it may not, its signal is aborted and
 * nothing more is passed on, however little its handler listens.
 */
export async function* whileAllowed<Response>(
  call: (signal: AbortSignal) => AsyncGenerator<Response, Response | void, undefined>,
  options: WhileAllowedOptions,
): AsyncGenerator<Response, Response | void, undefined> {
  const over = new AbortController();
  const stop = new AbortController();
  const refused = new Promise<never>((_, reject) => {
    void untilRefused(options, over.signal).then((refusal) => {
      if (refusal === undefined) return;
      reject(refusal);
      stop.abort(refusal);
    }, reject);
  });
  refused.catch(() => {}); // It is heard where the call is waited for, or the call has ended.
  const responses = call(AbortSignal.any([options.signal, stop.signal]));
  try {
    while (true) {
      const { done, value } = await Promise.race([refused, responses.next()]);
      if (done) return value;
      yield value as Response;
    }
  } finally {
    over.abort();
    // Not waited for: a handler that does not listen would keep the call from ending.
    responses.return().catch(() => {});
  }
}

/** `undefined` when the call ended first. */
async function untilRefused(
  { refusal, onRefused, everyMs, clock }: WhileAllowedOptions,
  over: AbortSignal,
): Promise<TesseraError | undefined> {
  let knownMs = clock.monotonicMs();
  while (true) {
    await clock.sleep(everyMs, over).catch(() => {});
    if (over.aborted) return undefined;
    const found = await refusal();
    if (over.aborted) return undefined;
    const nowMs = clock.monotonicMs();
    if (found === undefined) knownMs = nowMs;
    else if (isFinal(found) || nowMs - knownMs > maxUnknownMs) {
      onRefused(found);
      return found;
    }
  }
}

/** Others say that nobody could tell, such as that metadata is away. */
function isFinal({ code }: TesseraError): boolean {
  return code === Code.UNAUTHENTICATED || code === Code.PERMISSION_DENIED;
}
