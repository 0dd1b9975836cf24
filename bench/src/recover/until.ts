import { systemClock } from '@tessera/base';

const retryMs = 10;

/** Asks until there is something; what fails is asked again. */
export async function until<T>(ask: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer) return answer;
    await systemClock.sleep(retryMs);
  }
}
