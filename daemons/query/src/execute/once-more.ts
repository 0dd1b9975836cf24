import { Code, isTesseraError } from '@tessera/base';

/** Reads what another daemon has; one that is away is asked a second time. */
export async function onceMore<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await read();
  } catch (error) {
    signal.throwIfAborted();
    if (isTesseraError(error) && error.code === Code.UNAVAILABLE) return read();
    throw error;
  }
}
