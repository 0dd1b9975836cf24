import { mayWorkElsewhere } from './retryable.ts';

/** Two ways to the same result, of which one is late. */
export interface Race<T> {
  readonly own: Promise<T>;
  /** Called when the other one was faster. */
  readonly abandonOwn: () => void;
  /** Begins the other one, which ends with the signal. */
  readonly other: (stop: AbortSignal) => Promise<T>;
  /** What to throw when both failed in ways that might have worked elsewhere. */
  readonly neither: () => Error;
}

/** The result of the first that succeeds; the other is stopped. A failure that is the same everywhere ends both. */
export async function firstToWork<T>({ own, abandonOwn, other, neither }: Race<T>): Promise<T> {
  const stop = new AbortController();
  const first = outcomeOf(own, 'own');
  const second = outcomeOf(other(stop.signal), 'other');
  const won = await Promise.any([first, second]).catch(() => {
    throw neither();
  });
  if (won.by === 'own') stop.abort();
  else abandonOwn();
  if ('error' in won) throw won.error;
  return won.value;
}

type Outcome<T> = { readonly by: 'own' | 'other' } & (
  | { readonly value: T }
  | { readonly error: unknown }
);

/** Rejects only with what may work elsewhere. */
async function outcomeOf<T>(promise: Promise<T>, by: 'own' | 'other'): Promise<Outcome<T>> {
  try {
    return { by, value: await promise };
  } catch (error) {
    if (mayWorkElsewhere(error)) throw error;
    return { by, error };
  }
}
