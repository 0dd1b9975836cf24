import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { silentLogger, startServer } from '@tessera/daemon';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { composeStorage } from '../composition.ts';
import { FileStore } from '../files/file-store.ts';
import { plant, testFile } from '../testing/store-files.ts';

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const flags = ['--conditions=tessera-source', '--disable-warning=ExperimentalWarning'];

let root: string;
let stack: AsyncDisposableStack;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  root = await mkdtemp(join(tmpdir(), 'tessera-disk-faults-'));
  stack.defer(() => rm(root, { recursive: true }));
});
afterEach(() => stack.disposeAsync());

test('kill -9 at any change of the disk while a file is taken in: it is seen whole or not at all', async () => {
  let completed = false;
  const seen = new Set<boolean>();
  for (let step = 1; !completed; step++) {
    const file = testFile(1_000);
    const before = new FileStore(root, async () => 0n);
    await before.open();
    const moment = step % 2 === 0 ? 'before' : 'after';
    const args = [file.file, file.content.toString('hex'), `${step}`, moment];
    const child = spawn(process.execPath, [
      ...flags,
      script('interrupted-take-in.ts'),
      root,
      ...args,
    ]);
    const [code, signal] = await once(child, 'exit');
    completed = code === 0;
    expect([code, signal]).toEqual(completed ? [0, null] : [null, 'SIGKILL']);
    const after = new FileStore(root, async () => 0n);
    await after.open();
    expect(await readdir(join(root, 'incoming'))).toEqual([]);
    const isThere = (await after.missing([file.file])).length === 0;
    seen.add(isThere);
    expect(await after.claimWhole(file.file)).toBe(isThere);
    expect(isThere || !completed).toBe(true);
    expect(step).toBeLessThan(30);
  }
  expect(seen).toEqual(new Set([false, true]));
});

test('a full disk fails a pull with DISK_FULL and leaves nothing of it; what is small enough came', async () => {
  const [small, large] = [testFile(10_000), testFile(2_000_000)];
  const [from, to] = [join(root, 'a'), join(root, 'b')];
  await plant(from, [small, large]);
  const { services } = stack.use(await composeStorage({ directory: from }));
  const options = { services, log: silentLogger, drainTimeoutMs: 1 };
  const { address } = stack.use(await startServer({ address: '127.0.0.1:0', ...options }));
  const wanted = [small, large].map(({ file, fileDigest }) => ({ file, fileDigest }));
  const node = `"${process.execPath}" ${flags.join(' ')}`;
  // Writes beyond 1,200 blocks of 512 bytes fail with EFBIG instead of stopping the process.
  const limited = `trap '' XFSZ; ulimit -f 1200; exec ${node} "$0" "$1" "$2" "$3"`;
  const args = [script('full-disk-pull.ts'), to, address, JSON.stringify(wanted)];
  const { stdout } = await promisify(execFile)('sh', ['-c', limited, ...args]);
  expect(stdout.trim()).toBe('DISK_FULL');
  expect(await readdir(join(to, 'incoming'))).toEqual([]);
  expect((await readFile(join(to, small.file))).equals(small.content)).toBe(true);
  await expect(readFile(join(to, large.file))).rejects.toThrow('ENOENT');
});
