import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@tessera/client';
import { silentLogger, startServer } from '@tessera/daemon';
import { composeMetadata } from '@tessera/metadata';
import { host as wire } from '@tessera/proto';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readStat } from './proc/process-identity.ts';
import { DaemonProcess } from './testing/daemon-process.ts';
import { HostFixture, untilState } from './testing/host-fixture.ts';

/** Processes that must not outlive that their host is cut off from metadata. */

let stack: AsyncDisposableStack;
beforeEach(() => {
  stack = new AsyncDisposableStack();
});
afterEach(() => stack.disposeAsync());

const bound = { endWhenCutOff: true, restart: { mode: wire.RestartMode.RESTART_MODE_ALWAYS } };
const poll = { timeout: 45_000, interval: 50 };

test('are started while it is in touch, killed when it is cut off, and started again only when somebody asks', async () => {
  const host = stack.use(await HostFixture.open({ cutOffAfterMs: 1_000 }));
  await expectReason(host.sh('p', 'sleep 1000', bound), 'HOST_CUT_OFF');
  await host.sh('other', 'sleep 1000');
  const beat = () => host.contact.confirmed(host.contact.sending());
  beat();
  await host.sh('p', 'trap "" TERM; sleep 1000', bound);
  const stopped = await host.until('p', 'STOPPED');
  expect(stopped.lastExit?.cause).toEqual({ $case: 'signal', value: 'SIGKILL' });
  beat();
  expect((await host.until('p', 'STOPPED')).run).toBe(1);
  await host.sh('p', 'sleep 1000', bound);
  expect((await host.until('p', 'RUNNING')).run).toBe(2);
  await host.until('other', 'RUNNING');
});

/** A program sees another time since the start of the machine than the rest of it. Root alone may do that. */
const yearsAhead = [
  ...['unshare', '--time', '--boottime', '100000000', '/bin/sh', '-c'],
  ...['exec nsenter --time=/proc/self/ns/time_for_children "$@"', 'sh'],
];
const canBeAhead = spawnSync(yearsAhead[0]!, [...yearsAhead.slice(1), 'true']).status === 0;
const machines = [
  { whose: 'the clock that metadata has', through: [] },
  ...(canBeAhead ? [{ whose: 'a clock that is years ahead', through: yearsAhead }] : []),
];

test.each(machines)(
  'are killed also when the daemon is dead, and not started again by the next one, by $whose',
  async ({ through }) => {
    const folder = mkdtempSync(join(tmpdir(), 'tessera-cut-off-'));
    stack.defer(() => rmSync(folder, { recursive: true }));
    const store = { driver: 'sqlite', file: join(folder, 'metadata.sqlite') } as const;
    const { services } = stack.use(await composeMetadata({ store }));
    const serving = { address: '127.0.0.1:0', services, log: silentLogger, drainTimeoutMs: 1 };
    const { address } = stack.use(await startServer(serving));
    const client = stack.use(connect(address));
    const daemon = stack.use(new DaemonProcess(address, ['--cut-off-after', '6'], through));
    await daemon.start();
    const registered = () => client.hosts.getHost({ name: 'hosts/h' });
    expect((await registered()).cutOffAfter).toEqual({ seconds: 6n, nanos: 0 });
    const { session } = await registered();
    const argv = ['/bin/sh', '-c', 'trap "" TERM; sleep 1000'];
    await daemon.client.startProcess({ processId: 'p', spec: { argv, ...bound } });
    const { pid } = await untilState(daemon.client, 'p', 'RUNNING');
    await daemon.end('SIGKILL');
    await expect.poll(() => readStat(pid), poll).toBeUndefined();
    await daemon.start();
    const stopped = await untilState(daemon.client, 'p', 'STOPPED');
    expect(stopped).toMatchObject({
      run: 1,
      lastExit: { cause: { $case: 'signal', value: 'SIGKILL' } },
    });
    expect((await registered()).session).not.toBe(session);
  },
);
