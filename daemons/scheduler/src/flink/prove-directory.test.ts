import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ProbedHost, type ProbeOutcome, proveDirectory } from './prove-directory.ts';

/** What one file system holds under the path, by writer; `undefined`: the directory is not there. */
type Disk = { files: Map<string, string> | undefined };
type Mount = 'read-only' | 'unreachable' | undefined;

function hostOn(id: string, disk: Disk, mount?: Mount): ProbedHost {
  const reach = () => {
    if (mount === 'unreachable') throw new Error('it does not answer');
  };
  return {
    id,
    write: async (nonce, create): Promise<ProbeOutcome> => {
      reach();
      if (create) disk.files ??= new Map();
      if (disk.files === undefined) return { kind: 'missing', what: 'directory' };
      if (mount === 'read-only') return { kind: 'failed', detail: 'EROFS' };
      disk.files.set(id, nonce);
      return { kind: 'done', content: nonce };
    },
    read: async (writer): Promise<ProbeOutcome> => {
      reach();
      if (disk.files === undefined) return { kind: 'missing', what: 'directory' };
      const content = disk.files.get(writer);
      return content === undefined ? { kind: 'missing', what: 'probe' } : { kind: 'done', content };
    },
  };
}

const there = (): Disk => ({ files: new Map() });
const prove = async (hosts: readonly ProbedHost[], atHome: readonly string[] = []) =>
  Object.fromEntries(await proveDirectory(hosts, new Set(atHome)));

test('hosts that share it see it; one that has another directory of that name does not', async () => {
  const shared = there();
  const hosts = [hostOn('a', there()), hostOn('b', shared), hostOn('c', shared)];
  const notShared = 'what b writes there is not there on this host';
  expect(await prove(hosts)).toEqual({ a: notShared, b: undefined, c: undefined });
});

test('the directory where the cluster runs is the right one, however few see it', async () => {
  const shared = there();
  const hosts = [hostOn('a', there()), hostOn('b', shared), hostOn('c', shared)];
  expect(await prove(hosts, ['a'])).toMatchObject({ a: undefined, b: expect.any(String) });
});

test('it is made where no host has it, and not where one has', async () => {
  const [nowhere, missing] = [{ files: undefined }, { files: undefined }];
  expect(await prove([hostOn('a', nowhere), hostOn('b', nowhere)])).toEqual({
    a: undefined,
    b: undefined,
  });
  const verdicts = await prove([hostOn('a', missing), hostOn('b', there())]);
  expect(verdicts).toEqual({ a: 'it is not there on this host', b: undefined });
  expect(missing.files).toBeUndefined();
});

test('a host that cannot write says why, and one that cannot be asked is not judged', async () => {
  const shared = there();
  const hosts = [
    hostOn('a', shared, 'read-only'),
    hostOn('b', shared, 'unreachable'),
    hostOn('c', shared),
  ];
  expect(await prove(hosts)).toEqual({ a: 'EROFS', c: undefined });
  expect(await prove([])).toEqual({});
});

test('whatever is mounted where, those found to see it see the same, and no host of theirs is left out', async () => {
  const mount = fc.record({
    disk: fc.nat({ max: 2 }),
    how: fc.constantFrom<Mount>(undefined, undefined, undefined, 'read-only', 'unreachable'),
  });
  const world = fc.record({
    mounts: fc.array(mount, { maxLength: 8 }),
    exists: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(world, async ({ mounts, exists }) => {
      const disks = exists.map((is): Disk => ({ files: is ? new Map() : undefined }));
      const hosts = mounts.map(({ disk, how }, i) => hostOn(`h${i}`, disks[disk]!, how));
      const verdicts = await proveDirectory(hosts, new Set());
      const seen = mounts.filter((_, i) => {
        return verdicts.has(`h${i}`) && verdicts.get(`h${i}`) === undefined;
      });
      const able = mounts.filter(({ how }) => how === undefined);
      expect(new Set(seen.map(({ disk }) => disk)).size).toBeLessThanOrEqual(1);
      expect(seen.every(({ how }) => how === undefined)).toBe(true);
      if (able.some(({ disk }) => exists[disk])) expect(seen).not.toEqual([]);
      const same = able.filter(({ disk }) => disk === seen[0]?.disk);
      expect(seen.length).toBe(seen.length === 0 ? 0 : same.length);
    }),
    { seed: 20_261_129 },
  );
});
