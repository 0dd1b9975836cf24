import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTesseraError, systemClock } from '@tessera/base';
import { expectReason } from '@tessera/testkit/contracts';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { archiveOf, type PackedEntry } from '../testing/archives.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { UnpackedArtifacts } from './unpacked-artifacts.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-unpack-'));
  writeFileSync(join(folder, 'secret'), 'keep out');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const unpackedFolder = () => join(folder, 'unpacked');

/** Unpacks an archive by itself, whatever its digest. */
async function unpack(archive: Uint8Array, maxBytes = 1_000_000): Promise<string> {
  const file = join(folder, 'archive');
  writeFileSync(file, archive);
  const artifacts = { find: () => undefined, wholeFile: async () => file };
  const options = { folder: unpackedFolder(), maxBytes, clock: systemClock };
  const unpacked = await UnpackedArtifacts.open({
    ...options,
    artifacts: artifacts as unknown as ArtifactStore,
  });
  return unpacked.unpack('d'.repeat(64));
}

test('an archive becomes a folder that may be executed from, and whose files are not to be written to', async () => {
  const root = await unpack(
    archiveOf([
      { path: 'app/', type: 'Directory' },
      { path: 'app/bin/run', content: '#!/bin/sh\n', mode: 0o4755 },
      { path: './app/lib/a.jar', content: 'jar' },
      { path: 'app/lib/latest.jar', type: 'SymbolicLink', linkpath: 'a.jar' },
      { path: 'app/bin/lib', type: 'SymbolicLink', linkpath: '../lib' },
      { path: 'app/again', type: 'Link', linkpath: 'app/lib/a.jar' },
    ]),
  );
  expect(statSync(join(root, 'app/bin/run')).mode & 0o7777).toBe(0o555);
  expect(statSync(join(root, 'app/lib/a.jar')).mode & 0o7777).toBe(0o444);
  expect(readFileSync(join(root, 'app/bin/lib/latest.jar'), 'utf8')).toBe('jar');
  expect(readFileSync(join(root, 'app/again'), 'utf8')).toBe('jar');
});

describe('an archive is refused, and leaves nothing behind,', () => {
  const link = (path: string, linkpath: string): PackedEntry => ({
    ...{ path, linkpath, type: 'SymbolicLink' },
  });
  const hard = (path: string, linkpath: string): PackedEntry => ({ path, linkpath, type: 'Link' });
  test.each<[string, PackedEntry[]]>([
    ['whose path goes up', [{ path: '../secret', content: 'x' }]],
    ['whose path goes up later', [{ path: 'a/../../secret', content: 'x' }]],
    ['whose path is absolute', [{ path: '/tmp/x', content: 'x' }]],
    ['that links up', [link('a', '../secret')]],
    ['that links to the root', [link('a', '/etc/passwd')]],
    ['that links up behind a link', [link('d/up', '..'), link('a', 'd/up/../../secret')]],
    [
      'that writes through a link',
      [link('a', 'b'), { path: 'b/', type: 'Directory' }, { path: 'a/x' }],
    ],
    ['with a hard link to outside', [hard('a', '../secret')]],
    ['with a hard link to an absolute path', [hard('a', '/etc/passwd')]],
    ['with a second name of a link', [link('d/e/up', '../../x'), hard('a', 'd/e/up')]],
    ['with a device', [{ path: 'a', type: 'CharacterDevice' }]],
    ['with a pipe', [{ path: 'a', type: 'FIFO' }]],
    ['that is larger than it may be', [{ path: 'a', content: 'x'.repeat(1_001) }]],
  ])('%s', async (_, entries) => {
    const archive = archiveOf([{ path: 'first', content: 'x' }, ...entries, { path: 'last' }]);
    await expectReason(unpack(archive, 1_000), 'ARTIFACT_NOT_UNPACKABLE');
    expect(readdirSync(unpackedFolder())).toEqual([]);
    expect(readFileSync(join(folder, 'secret'), 'utf8')).toBe('keep out');
  });

  test('that is none, or is cut off', async () => {
    const whole = archiveOf([{ path: 'a', content: 'x'.repeat(10_000) }]);
    for (const archive of [Buffer.from('no archive'), whole.subarray(0, whole.length - 20)]) {
      await expectReason(unpack(archive), 'ARTIFACT_NOT_UNPACKABLE');
      expect(readdirSync(unpackedFolder())).toEqual([]);
    }
  });
});

const step = fc.constantFrom(...'aaabbbccc'.split(''), '..', '.');
const path = fc.array(step, { minLength: 1, maxLength: 4 }).map((steps) => steps.join('/'));
const entry: fc.Arbitrary<PackedEntry> = fc.record({
  path,
  type: fc.constantFrom(
    'File',
    'File',
    'File',
    'Directory',
    'SymbolicLink',
    'SymbolicLink',
    'Link',
  ),
  linkpath: path,
  content: fc.constant('x'),
});

test('whatever an archive holds, nothing of what was unpacked leads out of its folder', async () => {
  let unpackedCount = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 4 }), async (entries) => {
      rmSync(unpackedFolder(), { recursive: true, force: true });
      const root = await unpack(archiveOf(entries)).catch((error) => {
        if (isTesseraError(error, 'ARTIFACT_NOT_UNPACKABLE')) return undefined;
        throw error;
      });
      expect(readdirSync(folder).sort()).toEqual(['archive', 'secret', 'unpacked']);
      if (root === undefined) {
        expect(readdirSync(unpackedFolder())).toEqual([]);
        return;
      }
      unpackedCount++;
      for (const found of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
        const at = join(root, found);
        if (lstatSync(at).isSymbolicLink()) expect(isWithin(root, at)).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
  expect(unpackedCount).toBeGreaterThan(0);
});

/** Where a link leads, as far as there is something. */
function isWithin(root: string, link: string): boolean {
  try {
    return `${realpathSync(link)}/`.startsWith(`${realpathSync(root)}/`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ELOOP') return true;
    // Nothing is there: then the folder that it would be in decides.
    const parent = realpathSync(join(link, '..'));
    return `${join(parent, readlinkSync(link))}/`.startsWith(`${realpathSync(root)}/`);
  }
}
