import { endProcess } from '@tessera/daemon';

/** Of everything, because of a signal. */
export interface Ending extends AsyncDisposable {
  /** Nothing more is to be begun. */
  readonly hasBegun: boolean;
}

/**
 * Until it is disposed, SIGINT and SIGTERM end first what is given, also when that is only about to be there, and then this process: nothing of it runs on.
 * Disposing it while that goes on waits for the end: what fails because it was interrupted is no failure.
 */
export function endOnSignals(ended: AsyncDisposable | Promise<AsyncDisposable>): Ending {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  let ending: Promise<void> | undefined;
  const end = (signal: NodeJS.Signals) => {
    if (ending !== undefined) return; // Whoever is impatient would leave behind what is being ended.
    console.error(`${signal}: ending what was started …`);
    process.exitCode = signal === 'SIGINT' ? 130 : 143;
    ending = endOf(ended).then(endProcess, endProcess);
  };
  for (const signal of signals) process.on(signal, end);
  return {
    get hasBegun() {
      return ending !== undefined;
    },
    [Symbol.asyncDispose]: async () => {
      await ending;
      for (const signal of signals) process.off(signal, end);
    },
  };
}

async function endOf(ended: AsyncDisposable | Promise<AsyncDisposable>): Promise<void> {
  await (await ended)[Symbol.asyncDispose]();
}
