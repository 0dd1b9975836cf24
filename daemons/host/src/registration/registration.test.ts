import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, connect } from '@tessera/client';
import { silentLogger, startServer } from '@tessera/daemon';
import { composeMetadata } from '@tessera/metadata';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HostConfigInput } from '../config.ts';
import { type HostAddresses, type RunningHost, runHost } from '../run-host.ts';
import { DaemonProcess } from '../testing/daemon-process.ts';
import { untilEnded, untilState, upload } from '../testing/host-fixture.ts';

/** A metadata daemon over one file and port that can be stopped and started again. */
class Metadata implements AsyncDisposable {
  readonly #file: string;
  address = '127.0.0.1:0';
  #running: AsyncDisposableStack | undefined;

  constructor(folder: string) {
    this.#file = join(folder, 'metadata.sqlite');
  }

  async start(): Promise<void> {
    const stack = new AsyncDisposableStack();
    const store = { driver: 'sqlite', file: this.#file } as const;
    const { services } = stack.use(await composeMetadata({ store }));
    const options = { address: this.address, services, log: silentLogger, drainTimeoutMs: 1 };
    this.address = stack.use(await startServer(options)).address;
    this.#running = stack;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running?.disposeAsync();
    this.#running = undefined;
  }
}

let folder: string;
let metadata: Metadata;
let client: Connection;
let stack: AsyncDisposableStack;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  folder = mkdtempSync(join(tmpdir(), 'tessera-host-'));
  stack.defer(() => rmSync(folder, { recursive: true }));
  metadata = stack.use(new Metadata(folder));
  await metadata.start();
  client = stack.use(connect(metadata.address));
});
afterEach(() => stack.disposeAsync());

const name = 'hosts/a';
const leaseOf = () => client.leases.getLease({ name: 'leases/host.a' });

function run(
  directory: string,
  config: Partial<HostConfigInput> = {},
  addresses: Partial<HostAddresses> = {},
): Promise<RunningHost> {
  return runHost(
    { name: 'a', directory: join(folder, directory), leaseTtlMs: 1_000, ...config },
    { address: '127.0.0.1:0', metadataAddress: metadata.address, ...addresses },
    silentLogger,
  );
}

test('a host registers what it is, is alive while it runs, and is known when it is gone', async () => {
  const host = await run('one', { rack: 'r1', labels: { disk: 'nvme' } });
  const registered = await client.hosts.getHost({ name });
  expect(registered).toMatchObject({ address: host.address, rack: 'r1', labels: { disk: 'nvme' } });
  expect(registered.inventory?.cpuCount).toBeGreaterThan(0);
  expect((await leaseOf()).holder).toBe(registered.machineId);
  await host[Symbol.asyncDispose]();
  await expectReason(leaseOf(), 'LEASE_NOT_FOUND');
  const again = stack.use(await run('one', { rack: 'r2' }));
  const { uid, rack, address } = await client.hosts.getHost({ name });
  expect({ uid, rack, address }).toEqual({
    uid: registered.uid,
    rack: 'r2',
    address: again.address,
  });
});

test('a machine that joins under a name that is taken is refused, and the first one stays', async () => {
  const first = stack.use(await run('one'));
  await expectReason(run('two'), 'HOST_NAME_TAKEN');
  expect((await client.hosts.getHost({ name })).address).toBe(first.address);
  await first[Symbol.asyncDispose]();
  await expectReason(run('two'), 'HOST_NAME_TAKEN');
  await client.hosts.deleteHost({ name });
  stack.use(await run('two'));
});

test('a copy of a host that lives is refused, and the first one stays; when it is gone, the copy takes over', async () => {
  await (await run('one'))[Symbol.asyncDispose]();
  cpSync(join(folder, 'one'), join(folder, 'copy'), { recursive: true });
  const first = stack.use(await run('one'));
  const before = await leaseOf();
  await expectReason(run('copy'), 'HOST_JOINED_TWICE');
  expect((await client.hosts.getHost({ name })).address).toBe(first.address);
  expect((await leaseOf()).fencingToken).toBe(before.fencingToken);
  await first[Symbol.asyncDispose]();
  const copy = stack.use(await run('copy'));
  expect((await client.hosts.getHost({ name })).address).toBe(copy.address);
  await expectReason(run('one'), 'HOST_JOINED_TWICE');
});

test('a folder that was that of another host is refused, however it came there, and its owner is not disturbed', async () => {
  const first = stack.use(await run('one'));
  cpSync(join(folder, 'one'), join(folder, 'copy'), { recursive: true });
  await expectReason(run('copy', { name: 'b' }), 'HOST_FOLDER_OF_ANOTHER');
  await expectReason(client.hosts.getHost({ name: 'hosts/b' }), 'HOST_NOT_FOUND');
  expect((await client.hosts.getHost({ name })).address).toBe(first.address);
});

test('a folder whose host could not register may be given to another', async () => {
  stack.use(await run('one'));
  await expectReason(run('two'), 'HOST_NAME_TAKEN');
  stack.use(await run('two', { name: 'b' }));
});

test('a host that listens on all interfaces says where others reach it', async () => {
  const at = (addresses: Partial<HostAddresses>) =>
    runHost(
      { name: 'a', directory: join(folder, 'one') },
      { address: '0.0.0.0:0', metadataAddress: metadata.address, ...addresses },
      silentLogger,
    );
  const insecure = { transport: { insecure: true } };
  await expectReason(at(insecure), 'HOST_ADDRESS_WILDCARD');
  await expectReason(at({ ...insecure, address: '[::]:0' }), 'HOST_ADDRESS_WILDCARD');
  await expectReason(at({ advertise: '127.0.0.1:1' }), 'PLAINTEXT_REFUSED');
  expect((await client.hosts.listHosts({})).hosts).toEqual([]);
  const host = stack.use(await at({ ...insecure, advertise: '127.0.0.2:7450' }));
  expect((await client.hosts.getHost({ name })).address).toBe('127.0.0.2:7450');
  const [, port] = host.address.split(':');
  const connection = stack.use(connect(`127.0.0.1:${port}`));
  expect((await connection.host.getHost({})).host?.name).toBe(name);
});

test('a host that is told to stop takes in what is on its way, for as long as it was allowed', async () => {
  const host = await run('one', {}, { drainTimeoutMs: 600_000 });
  const connection = stack.use(connect(host.address));
  const bytes = Buffer.from('slow');
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const put = connection.host.putArtifact(
    (async function* () {
      const [header, chunk] = await Array.fromAsync(upload(bytes));
      yield header!;
      await held;
      yield chunk!;
    })(),
  );
  const uploads = join(folder, 'one', 'artifacts', 'uploads');
  await expect.poll(() => readdirSync(uploads).length).toBe(1);
  let isStopped = false;
  const stopping = host[Symbol.asyncDispose]().then(() => {
    isStopped = true;
  });
  await expectReason(leaseGone(), 'LEASE_NOT_FOUND');
  expect(isStopped).toBe(false);
  release();
  expect((await put).sizeBytes).toBe(4n);
  await stopping;
});

/** Its lease is given back before its calls have ended. */
async function leaseGone(): Promise<never> {
  for (;;) await leaseOf();
}

test('a host goes on without metadata, and registers itself again', async () => {
  const host = stack.use(await run('one'));
  const connection = stack.use(connect(host.address));
  stack.defer(() => endProcesses(connection));
  const { machineId } = await client.hosts.getHost({ name });
  const spec = { argv: ['sleep', '1000'] };
  await connection.host.startProcess({ processId: 'p', spec });
  const before = await untilState(connection.host, 'p', 'RUNNING');
  await metadata[Symbol.asyncDispose]();
  await connection.host.startProcess({ processId: 'q', spec });
  await untilState(connection.host, 'q', 'RUNNING');
  await metadata.start();
  const holder = () =>
    leaseOf().then(
      (lease) => lease.holder,
      () => '',
    );
  await expect.poll(holder).toBe(machineId);
  await expect.poll(() => host.registration.isRegistered).toBe(true);
  expect(await untilState(connection.host, 'p', 'RUNNING')).toEqual(before);
});

async function endProcesses({ host }: Connection): Promise<void> {
  const { processes } = await host.listProcesses({});
  for (const { name } of processes) {
    await host.stopProcess({ name, gracePeriod: {} });
    await untilEnded(host, name);
  }
}

test('a host that starts while metadata is away joins later', async () => {
  await metadata[Symbol.asyncDispose]();
  const host = stack.use(await run('one'));
  expect(host.registration.isRegistered).toBe(false);
  await metadata.start();
  await expect.poll(() => host.registration.isRegistered).toBe(true);
  expect((await client.hosts.getHost({ name })).address).toBe(host.address);
});

test('a host whose resource and lease were lost registers both again', async () => {
  const host = stack.use(await run('one', { inventoryIntervalMs: 1 }));
  const lease = await leaseOf();
  await client.leases.releaseLease({ name: lease.name, fencingToken: lease.fencingToken });
  await client.hosts.deleteHost({ name });
  const addressOf = () =>
    client.hosts.getHost({ name }).then(
      ({ address }) => address,
      () => '',
    );
  await expect.poll(addressOf).toBe(host.address);
  await expect.poll(() => host.registration.isRegistered).toBe(true);
});

test('after kill -9 the same host takes its lease over at once, however long it would have lasted', async () => {
  await using daemon = new DaemonProcess(metadata.address);
  await daemon.start();
  const token = () =>
    client.leases.getLease({ name: 'leases/host.h' }).then(
      ({ fencingToken }) => fencingToken,
      () => 0n,
    );
  await expect.poll(token).not.toBe(0n);
  const before = await token();
  await daemon.end('SIGKILL');
  expect(await token()).toBe(before);
  await daemon.start();
  await expect.poll(token).not.toBe(before);
});

test('a host takes part in no other installation than its own, whose metadata learns nothing of it', async () => {
  await (await run('one'))[Symbol.asyncDispose]();
  const own = metadata;
  metadata = stack.use(new Metadata(mkdtempSync(join(folder, 'other-'))));
  await metadata.start();
  await expectReason(run('one'), 'INSTALLATION_MISMATCH');
  const other = stack.use(connect(metadata.address));
  expect((await other.hosts.listHosts({})).hosts).toEqual([]);
  metadata = own;
  stack.use(await run('one'));
});
