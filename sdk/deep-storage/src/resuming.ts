/** Interruptions in a row, without a byte between them, after which reading gives up. */
export const maxInterruptions = 3;

export interface Interruptible {
  readonly sizeBytes: number;
  /** The content from a position on; it may break off. */
  readonly from: (position: number) => AsyncIterable<Uint8Array>;
  /** Whether reading may go on after an error. */
  readonly mayResume: (error: unknown) => boolean;
  /** What is thrown when it has been interrupted too often. */
  readonly failure: (cause: unknown) => Error;
}

/** Reads to the end through interruptions: each time from where the last one broke off. An end that comes too early is one. */
export async function* resuming(file: Interruptible): AsyncGenerator<Uint8Array> {
  let [position, interruptions] = [0, 0];
  while (true) {
    let cause: unknown;
    try {
      for await (const chunk of file.from(position)) {
        position += chunk.length;
        interruptions = 0;
        yield chunk;
      }
      if (position >= file.sizeBytes) return;
      cause = new Error(`it ended after ${position} of ${file.sizeBytes} bytes`);
    } catch (error) {
      if (!file.mayResume(error)) throw error;
      cause = error;
    }
    interruptions++;
    if (interruptions >= maxInterruptions) throw file.failure(cause);
  }
}
