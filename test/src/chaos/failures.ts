import { Code, isTesseraError, messageOf, TesseraError } from '@tessera/base';

/** Codes that say: nothing is wrong with what was asked, ask again. */
const retryable: ReadonlySet<Code> = new Set([
  Code.UNAVAILABLE,
  Code.DEADLINE_EXCEEDED,
  Code.RESOURCE_EXHAUSTED,
  Code.ABORTED,
]);

export function isRetryable(error: unknown): boolean {
  return isTesseraError(error) && retryable.has(error.code);
}

/**
 * Calls a daemon that may be paused or cut off, and is given up on then.
 * @throws NO_ANSWER when the time is over, which may be retried, and what the call fails with
 */
export async function answerWithin<T>(
  timeoutMs: number,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return await call(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new TesseraError({
      code: Code.DEADLINE_EXCEEDED,
      reason: 'NO_ANSWER',
      message: `No answer within ${timeoutMs} ms.`,
    });
  }
}

/** Such as `UNAVAILABLE SEGMENT_UNREACHABLE`. */
export function failureName(error: unknown): string {
  if (!isTesseraError(error)) return messageOf(error);
  const [code] = Object.entries(Code).find(([, value]) => value === error.code) ?? [error.code];
  return `${code} ${error.reason}`;
}

/** How often each failure was seen. */
export class FailureCounts {
  readonly #counts = new Map<string, number>();

  add(error: unknown): void {
    const name = failureName(error);
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  toString(): string {
    const parts = [...this.#counts].map(([name, count]) => `${count} ${name}`);
    return parts.length === 0 ? 'none' : parts.join(', ');
  }
}
