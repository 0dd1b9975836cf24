import { Code, TesseraError } from '@tessera/base';
import { ClientError, Status } from 'nice-grpc-common';
import { describe, expect, onTestFinished, test } from 'vitest';
import { daemonUnresponsive } from '../errors.ts';
import type { Link } from '../transport/link.ts';
import { Attempts } from './attempts.ts';
import { EndpointPool } from './endpoint-pool.ts';
import type { Method } from './repeating.ts';

const addresses = ['a:1', 'b:1'];
const method: Method = {
  name: 'ListModels',
  requestType: { fromPartial: (object) => object },
  requestStream: false,
  responseStream: false,
};
const refused = new TesseraError({
  code: Code.UNAVAILABLE,
  reason: 'DAEMON_UNAVAILABLE',
  message: 'Nobody is there.',
  cause: new ClientError('/a/b', Status.UNAVAILABLE, 'No connection established'),
});

/** Neither daemon becomes well by itself. */
function attemptsOfBoth(): Attempts {
  const check = () => Promise.reject(refused);
  const link = { client: () => ({ check }), [Symbol.dispose]: () => {} } as unknown as Link;
  const pool = new EndpointPool(addresses, () => link, 0);
  onTestFinished(() => pool[Symbol.dispose]());
  return new Attempts(pool, method);
}

async function failOfBoth(attempts: Attempts, error: unknown): Promise<void> {
  for (const _ of addresses) await attempts.failed(attempts.next(), error, undefined);
}

describe('a call that reached no daemon', () => {
  test('has failed where nobody is there', async () => {
    await expect(failOfBoth(attemptsOfBoth(), refused)).rejects.toBe(refused);
  });

  test('is made again where connections are still being made, as long as there is time', async () => {
    const attempts = attemptsOfBoth();
    const slow = daemonUnresponsive('/a/b', 'a:1', 1_000);
    await failOfBoth(attempts, slow);
    await failOfBoth(attempts, slow);
    await expect(failOfBoth(attempts, refused)).rejects.toBe(refused);
  });
});
