import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf, HostFixture, upload } from '../testing/host-fixture.ts';

let fixture: HostFixture;
beforeEach(async () => {
  fixture = await HostFixture.open();
});
afterEach(() => fixture[Symbol.asyncDispose]());

const work = (path = '') => join(fixture.folder, 'host/processes/p/work', path);
const conf = { path: 'conf/a.conf', content: 'port = 1\n' };
const other = { path: 'b.conf', content: '' };
const restore = () => fixture.client.restoreFiles({ name: 'processes/p' });
const changed = async () => {
  const { processes } = await fixture.client.listProcesses({});
  return processes[0]!.changedFiles;
};

/** A process with a file, an artifact and another file beside it, that runs. */
async function started(): Promise<string> {
  const bytes = Buffer.from('a library');
  await fixture.client.putArtifact(upload(bytes));
  const artifacts = [{ artifact: `artifacts/${digestOf(bytes)}`, path: 'lib/x.jar' }];
  await fixture.sh('p', 'cat conf/a.conf; sleep 1000', { files: [conf, other], artifacts });
  await fixture.untilPrinted('p', 'port = 1');
  await fixture.until('p', 'RUNNING');
  return 'lib/x.jar';
}

test('files are there before a process starts, for its user alone, and what they hold is not told', async () => {
  await started();
  expect(statSync(work(conf.path)).mode & 0o777).toBe(0o600);
  expect(readFileSync(work(other.path), 'utf8')).toBe('');
  const { spec } = await fixture.get('p');
  const sha256 = digestOf(Buffer.from(conf.content));
  expect(spec?.files[0]).toEqual({ path: conf.path, content: '', sha256 });
  await fixture.restart();
  expect(await changed()).toEqual([]);
});

describe('a file that somebody changes', () => {
  test.each<[string, () => void]>([
    ['by writing into it', () => writeFileSync(work(conf.path), 'port = 2\n')],
    ['by removing it', () => rmSync(work(conf.path))],
    [
      'by a folder in its place',
      () => {
        rmSync(work(conf.path));
        mkdirSync(work(conf.path));
      },
    ],
    [
      'by a link in its place',
      () => {
        writeFileSync(work('mine'), conf.content);
        rmSync(work(conf.path));
        symlinkSync(work('mine'), work(conf.path));
      },
    ],
  ])(
    '%s is found, also by another life of the daemon, and put right; the process runs on',
    async (_, change) => {
      await started();
      const { pid } = await fixture.get('p');
      expect(await changed()).toEqual([]);
      change();
      expect(await changed()).toEqual([conf.path]);
      await fixture.restart();
      expect((await fixture.get('p')).changedFiles).toEqual([conf.path]);
      expect((await restore()).changedFiles).toEqual([]);
      expect(readFileSync(work(conf.path), 'utf8')).toBe(conf.content);
      expect((await fixture.get('p')).pid).toBe(pid);
      expect(readdirSync(work('conf'))).toEqual(['a.conf']);
    },
  );

  test('is told of artifacts, too', async () => {
    const lib = await started();
    rmSync(work(lib));
    writeFileSync(work(lib), 'mine');
    expect(await changed()).toEqual([lib]);
    await restore();
    expect(readFileSync(work(lib), 'utf8')).toBe('a library');
    expect(await changed()).toEqual([]);
  });

  test('matters only while the process runs: it starts with what its spec says', async () => {
    await started();
    await fixture.client.stopProcess({ name: 'processes/p', gracePeriod: {} });
    await fixture.until('p', 'STOPPED');
    writeFileSync(work(conf.path), 'port = 2\n');
    expect(await changed()).toEqual([]);
    await started();
    expect(readFileSync(work(conf.path), 'utf8')).toBe(conf.content);
  });
});

test('what an earlier spec put there is removed, and what the process wrote stays', async () => {
  await started();
  writeFileSync(work('conf/own'), 'of the process');
  await fixture.client.stopProcess({ name: 'processes/p', gracePeriod: {} });
  await fixture.until('p', 'STOPPED');
  await fixture.start('p', ['true'], { files: [{ path: 'c.conf', content: 'x' }] });
  await fixture.until('p', 'EXITED');
  expect(readdirSync(work()).sort()).toEqual(['c.conf', 'conf', 'lib']);
  expect(readdirSync(work('conf'))).toEqual(['own']);
  expect(readdirSync(work('lib'))).toEqual([]);
});

test('paths that lead elsewhere, or into each other, are refused, and so is too much', async () => {
  const artifact = `artifacts/${'a'.repeat(64)}`;
  const refused = (files: { path: string; content?: string }[], artifacts: object[] = []) =>
    expectReason(fixture.start('p', ['true'], { files, artifacts } as never), 'PROCESS_INVALID');
  for (const path of ['', '/etc/x', '../x', 'a/../../x', './x', 'a//b', 'a\0b']) {
    await refused([{ path }]);
  }
  await refused([{ path: 'x' }, { path: 'x' }]);
  await refused([{ path: 'lib/conf/x' }], [{ artifact, path: 'lib', unpack: true }]);
  await refused([{ path: 'x', content: 'x'.repeat(1_000_001) }]);
  await refused(Array.from({ length: 101 }, (_, i) => ({ path: `${i}` })));
  expect(existsSync(work())).toBe(false);
  await expectReason(restore(), 'PROCESS_NOT_FOUND');
});
