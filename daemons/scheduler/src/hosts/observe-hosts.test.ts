import { setImmediate as turn } from 'node:timers/promises';
import type { TesseraClient } from '@tessera/client';
import { ManualClock } from '@tessera/testkit';
import { expect, test } from 'vitest';
import { observeHosts } from './observe-hosts.ts';

const metadata = {
  hosts: {
    listHosts: async () => ({
      hosts: [{ name: 'hosts/a', address: 'a:7450', lease: 'leases/host.a', labels: {}, rack: '' }],
      nextPageToken: '',
    }),
  },
  leases: { getLease: async () => ({}) },
} as unknown as TesseraClient;

/** A host daemon that never answers. */
const hanging = {
  host: () => ({
    listProcesses: () => new Promise(() => {}),
    listArtifacts: () => new Promise(() => {}),
  }),
  isServing: async () => true,
} as never;

test('a host that hangs is waited for by the clock that is handed in, and is not seen', async () => {
  const clock = new ManualClock();
  let seen: Awaited<ReturnType<typeof observeHosts>> | undefined;
  void observeHosts(metadata, hanging, clock).then((hosts) => {
    seen = hosts;
  });
  const turns = async () => {
    for (let i = 0; i < 20; i++) await turn();
  };
  await turns();
  await clock.advance(1_999);
  await turns();
  expect(seen).toBeUndefined();
  await clock.advance(1);
  await turns();
  expect(seen).toMatchObject([{ name: 'hosts/a' }]);
  expect(seen![0]).not.toHaveProperty('processes');
});
