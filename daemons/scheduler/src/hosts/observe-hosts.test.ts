import { setImmediate as turn } from 'node:timers/promises';
import type { TesseraClient } from '@tessera/client';
import { host as wire } from '@tessera/proto';
import { ManualClock } from '@tessera/testkit';
import { expect, test } from 'vitest';
import { observeHosts, readProcesses } from './observe-hosts.ts';
import { variables } from './process-spec.ts';

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

test.each([
  { ip: '127.0.0.1', port: 20_000, isServing: false, why: 'somebody else listens there' },
  { ip: '*', port: 20_000, isServing: false, why: 'somebody else listens everywhere' },
  { ip: '127.0.0.2', port: 20_000, isServing: true, why: 'the address is another one' },
  { ip: '127.0.0.1', port: 20_001, isServing: true, why: 'the port is another one' },
])('what answers for a process is believed unless $ip:$port is held: $why', async (given) => {
  const { ip, port, isServing } = given;
  const process = wire.Process.fromPartial({
    name: 'processes/p',
    state: wire.ProcessState.PROCESS_STATE_RUNNING,
    spec: { environment: { [variables.health]: '127.0.0.1:20000' } },
  });
  const heldPorts = [wire.HeldPort.fromPartial({ ip, port, pid: 7, holder: 'run 1 of q' })];
  const client = {
    listProcesses: async () => ({ processes: [process], nextPageToken: '', heldPorts }),
  } as never;
  const access = { host: () => client, isServing: async () => true };
  const seen = await readProcesses(client, access, AbortSignal.timeout(60_000));
  expect(seen.get('p')).toMatchObject({ isServing });
  const heldBy = 'port 20000 is held by pid 7, of run 1 of q';
  expect(seen.get('p')!.heldBy).toBe(isServing ? undefined : heldBy);
});

test.each<[NonNullable<wire.ProcessExit['cause']>, isOwn: boolean]>([
  [{ $case: 'code', value: 0 }, true],
  [{ $case: 'code', value: 239 }, true],
  [{ $case: 'code', value: 143 }, false],
  [{ $case: 'signal', value: 'SIGKILL' }, false],
  [{ $case: 'notStarted', value: 'no such file' }, true],
  [{ $case: 'unknown', value: 'the machine was off' }, false],
])('whether a process has ended by itself: %o, %s', async (cause, isOwn) => {
  const process = wire.Process.fromPartial({ name: 'processes/p', lastExit: { cause } });
  const client = {
    listProcesses: async () => ({ processes: [process], nextPageToken: '', heldPorts: [] }),
  };
  const access = { isServing: async () => true } as never;
  const found = await readProcesses(client as never, access, new AbortController().signal);
  expect(found.get('p')?.hasEndedItself).toBe(isOwn);
});
