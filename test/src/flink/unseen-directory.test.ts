import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DaemonProcesses } from '../daemon-processes.ts';
import { PlainHosts } from './plain-hosts.ts';

/** Root may mount in a namespace of its own; so may others where the kernel lets them be root of one. */
const apart = [
  ['unshare', '--mount'],
  ['unshare', '--map-root-user', '--mount'],
].find(([program, ...options]) => {
  return spawnSync(program!, [...options, 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
});
const poll = { timeout: 180_000, interval: 50 };

/** A bundle that nobody has: a cluster is placed, and nothing of it is started. */
const bundle = `artifacts/${'0'.repeat(64)}`;

describe.skipIf(apart === undefined)(
  'a host on which the file system of a state directory is not mounted (whoever may mount in a namespace of their own)',
  { timeout: 400_000 },
  () => {
    let stack: AsyncDisposableStack;
    let hosts: PlainHosts;
    beforeEach(async () => {
      stack = new AsyncDisposableStack();
      hosts = stack.use(await PlainHosts.start());
      mkdirSync(join(hosts.folder, 'shared'));
      for (const name of ['b', 'c']) await hosts.run(name);
    });
    afterEach(() => stack.disposeAsync(), 60_000);

    /** The daemon of the host that would be chosen first. */
    const runFirst = async (through: readonly string[] = []): Promise<DaemonProcesses> => {
      const daemons = stack.use(new DaemonProcesses());
      const directory = join(hosts.folder, 'a');
      await daemons.start('host', { name: 'a', directory, metadata: hosts.address }, through);
      return daemons;
    };
    const apply = (taskManagerCount: number) => hosts.apply('c', { bundle, taskManagerCount });
    const status = () => hosts.status('c');
    const placedOn = async () =>
      [...new Set((await status()).placement.map(({ host }) => host))].sort();
    const seenBy = async () =>
      (await status()).stateDirectoryProofs.map(({ host, seen }) => `${host} ${seen}`);
    const reasons = async () => (await status()).conditions.map(({ reason }) => reason);

    test('is given nothing of the cluster, whose status names it, until it sees what the others write there', async () => {
      const mounted = `mount -t tmpfs none '${join(hosts.folder, 'shared')}' && exec "$@"`;
      const daemons = await runFirst([...apart!, '/bin/sh', '-c', mounted, 'sh']);
      await apply(3);
      await expect.poll(seenBy, poll).toEqual(['hosts/a false', 'hosts/b true', 'hosts/c true']);
      await expect.poll(reasons, poll).toEqual(['CAPACITY_SHORT', 'STATE_DIRECTORY_UNSEEN']);
      const [, unseen] = (await status()).conditions;
      expect(unseen?.metadata).toMatchObject({ hosts: 'a', count: '1' });
      expect(await placedOn()).toEqual([]);

      const { version } = await apply(2);
      await expect.poll(async () => (await status()).version, poll).toBe(version);
      await expect.poll(placedOn, poll).toEqual(['hosts/b', 'hosts/c']);

      await daemons.end('host', 'SIGTERM');
      await runFirst();
      await apply(3);
      await expect.poll(placedOn, poll).toEqual(['hosts/a', 'hosts/b', 'hosts/c']);
      expect(await seenBy()).toEqual(['hosts/a true', 'hosts/b true', 'hosts/c true']);
      expect(await reasons()).not.toContain('STATE_DIRECTORY_UNSEEN');
    });
  },
);
