import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DaemonProcess } from '../testing/daemon-process.ts';

const canMount =
  spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

describe.skipIf(!canMount)(
  'a host on which another file system is mounted (root alone may do that)',
  () => {
    let stack: AsyncDisposableStack;
    let folder: string;
    beforeEach(() => {
      stack = new AsyncDisposableStack();
      folder = mkdtempSync(join(tmpdir(), 'tessera-mount-'));
      stack.defer(() => rmSync(folder, { recursive: true }));
    });
    afterEach(() => stack.disposeAsync());

    test('reads nothing of what others write into the directory of that name, nor they of what it writes', async () => {
      const shared = join(folder, 'shared');
      mkdirSync(shared);
      const mounted = `mount -t tmpfs none '${shared}' && exec "$@"`;
      const through = ['unshare', '--mount', '/bin/sh', '-c', mounted, 'sh'];
      const here = stack.use(new DaemonProcess());
      const other = stack.use(new DaemonProcess(undefined, [], through));
      await Promise.all([here.start(), other.start()]);
      const directory = pathToFileURL(shared).href;
      const [one, two] = [
        { directory, owner: 'one', nonce: 'a'.repeat(32) },
        { directory, owner: 'two', nonce: 'b'.repeat(32) },
      ];
      await here.client.writeProbe(one);
      await other.client.writeProbe(two);
      await expectReason(other.client.readProbe(one), 'PROBE_MISSING');
      await expectReason(here.client.readProbe(two), 'PROBE_MISSING');
      expect(await other.client.readProbe(two)).toEqual({ content: two.nonce });
      expect(readdirSync(shared)).toEqual([`.tessera-probe-one.${one.nonce}`]);
    });
  },
);
