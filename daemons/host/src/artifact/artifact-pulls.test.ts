import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Code, TesseraError } from '@tessera/base';
import type { Connection } from '@tessera/client';
import type { host } from '@tessera/proto';
import { expectReason } from '@tessera/testkit/contracts';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { archiveOf } from '../testing/archives.ts';
import { digestOf, HostFixture, upload } from '../testing/host-fixture.ts';

const bytes = Buffer.from('0123456789'.repeat(20_000));
const digest = digestOf(bytes);
const name = `artifacts/${digest}`;

/** What another host does with one reading of an artifact. */
interface Behaviour {
  /** As many bytes come before it breaks off; absent: all. */
  readonly cutAfter?: number;
  /** What comes is not what is wanted. */
  readonly isWrong?: boolean;
  /** Whether it says so when it breaks off; else it just ends. */
  readonly fails?: boolean;
  /** Nothing comes until this. */
  readonly held?: Promise<void>;
}

/** Other hosts, whose artifacts a test makes up. */
class Peers {
  readonly offsets: number[] = [];
  readonly behaviours = new Map<string, Behaviour[]>();
  content: Buffer = bytes;

  readonly connectTo = (address: string): Connection =>
    ({
      host: { readArtifact: (request: { offset: bigint }) => this.#read(address, request) },
      [Symbol.dispose]: () => {},
    }) as unknown as Connection;

  async *#read(address: string, { offset }: { offset: bigint }) {
    const from = Number(offset);
    this.offsets.push(from);
    const behaviour = this.behaviours.get(address)?.shift();
    if (behaviour === undefined) throw unavailable('ARTIFACT_NOT_FOUND', Code.NOT_FOUND);
    await behaviour.held;
    const all = behaviour.isWrong ? Buffer.from(this.content).fill('x') : this.content;
    const to = Math.min(all.length, from + (behaviour.cutAfter ?? all.length));
    for (let at = from; at < to; at += 30_000) {
      yield { data: all.subarray(at, Math.min(to, at + 30_000)) };
    }
    if (behaviour.fails) throw unavailable('UNAVAILABLE', Code.UNAVAILABLE);
  }
}

function unavailable(reason: string, code: Code): TesseraError {
  return new TesseraError({ code, reason, message: reason });
}

let peers: Peers;
let fixture: HostFixture;
beforeEach(async () => {
  peers = new Peers();
  fixture = await HostFixture.open({}, { connectTo: peers.connectTo });
});
afterEach(() => fixture[Symbol.asyncDispose]());

const folder = (of: string) => join(fixture.folder, 'host/artifacts', of);
const request = (rest: Partial<host.PullArtifactRequest> = {}) => ({
  ...{ name, sizeBytes: BigInt(peers.content.length), displayName: 'lib.jar', sources: ['a', 'b'] },
  ...rest,
});
const pull = (rest: Partial<host.PullArtifactRequest> = {}) =>
  fixture.client.pullArtifact(request(rest));

/** Asks until it is here, or until an attempt that was made since has failed. */
async function pulled(rest: Partial<host.PullArtifactRequest> = {}) {
  const before = peers.offsets.length;
  let last = await pull(rest);
  const isOver = async () => {
    last = await pull(rest);
    return (
      last.artifact !== undefined || (last.failureReason !== '' && peers.offsets.length > before)
    );
  };
  await expect.poll(isOver, { timeout: 10_000 }).toBe(true);
  return last;
}

describe('an artifact of another host', () => {
  test('comes once, however many ask for it, and is whole', async () => {
    peers.behaviours.set('a', [{}]);
    await Promise.all(Array.from({ length: 5 }, () => pull()));
    const { artifact } = await pulled();
    expect(artifact).toMatchObject({ name, sizeBytes: 200_000n, displayName: 'lib.jar' });
    expect(await fixture.client.getArtifact({ name, verify: true })).toEqual(artifact);
    expect(peers.offsets).toEqual([0]);
    expect(readdirSync(folder('pulls'))).toEqual([]);
  });

  test('is gone on with by the next host where one breaks off', async () => {
    peers.behaviours.set('a', [{ cutAfter: 70_000, fails: true }]);
    peers.behaviours.set('b', [{}]);
    expect((await pulled()).artifact?.name).toBe(name);
    expect(peers.offsets).toEqual([0, 70_000]);
  });

  test('is gone on with later, also by another life of the daemon', async () => {
    peers.behaviours.set('a', [{ cutAfter: 70_000 }]);
    await pull({ sources: ['a'] });
    const failed = async () => (await pull({ sources: [] })).failureReason;
    await expect.poll(failed).not.toBe('');
    await fixture.restart({}, { connectTo: peers.connectTo });
    peers.behaviours.set('b', [{}]);
    expect((await pulled({ sources: ['b'] })).artifact?.name).toBe(name);
    expect(peers.offsets).toEqual([0, 70_000]);
  });

  test('is asked for from its beginning when what had come before was wrong', async () => {
    peers.behaviours.set('a', [{ isWrong: true, cutAfter: 70_000 }]);
    peers.behaviours.set('b', [{}, {}]);
    expect((await pulled()).artifact?.name).toBe(name);
    expect(peers.offsets).toEqual([0, 70_000, 0]);
  });

  test.each<[string, Behaviour[], string]>([
    ['has it', [], 'ARTIFACT_IN_NO_SOURCE'],
    ['has the right bytes', [{ isWrong: true }], 'PULL_FAILED'],
    ['gives all of it', [{ cutAfter: 0 }], 'PULL_FAILED'],
  ])('that none %s is not here, and the next call says why', async (_, behaviours, reason) => {
    peers.behaviours.set('a', behaviours);
    expect((await pulled()).failureReason).toBe(reason);
    await expectReason(fixture.client.getArtifact({ name }), 'ARTIFACT_NOT_FOUND');
    expect(readdirSync(folder('files'))).toEqual([]);
    peers.behaviours.set('b', [{}, {}, {}, {}]);
    await expect.poll(async () => (await pull()).artifact?.name).toBe(name);
  });

  test('whose host says nothing is had from another one', async () => {
    await fixture.restart({ uploadIdleTimeoutMs: 50 }, { connectTo: peers.connectTo });
    peers.behaviours.set('a', [{ held: new Promise(() => {}) }]);
    peers.behaviours.set('b', [{}]);
    expect((await pulled()).artifact?.name).toBe(name);
  });

  test('is not begun when the disk has no room, or too many are on their way, or by an old leader', async () => {
    const config = { maxPulls: 1, maxArtifactBytes: 2 ** 52 };
    await fixture.restart(config, { connectTo: peers.connectTo });
    await expectReason(pull({ sizeBytes: 2n ** 51n }), 'DISK_FULL');
    await expectReason(pull({ sizeBytes: 2n ** 53n }), 'ARTIFACT_TOO_LARGE');
    await expectReason(pull({ sizeBytes: -1n }), 'BAD_REQUEST');
    const fence = (token: bigint) => ({ lease: 'leases/l', token });
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    peers.behaviours.set('a', [{ held }]);
    await pull({ fence: fence(2n) as never });
    await expectReason(pull({ fence: fence(1n) as never }), 'FENCED');
    await expectReason(pull({ name: `artifacts/${'0'.repeat(64)}` }), 'TOO_MANY_PULLS');
    release();
    await expect.poll(async () => (await pull()).artifact?.name).toBe(name);
  });
});

test('whatever other hosts do, nothing wrong is kept, and one that is honest suffices', async () => {
  const behaviour = fc.record(
    {
      cutAfter: fc.nat(210_000),
      isWrong: fc.boolean(),
      fails: fc.boolean(),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(behaviour, { maxLength: 5 }), fc.nat(5), async (others, at) => {
      const sources = others.map((_, i) => `p${i}`);
      for (const [i, other] of others.entries()) peers.behaviours.set(`p${i}`, [other, other]);
      peers.behaviours.set('honest', [{}, {}]);
      sources.splice(Math.min(at, sources.length), 0, 'honest');
      expect((await pulled({ sources })).artifact?.name).toBe(name);
      await fixture.client.getArtifact({ name, verify: true });
      await fixture.client.deleteArtifact({ name });
    }),
    { numRuns: 30 },
  );
});

describe('what this host has', () => {
  const put = (content: Uint8Array) => fixture.client.putArtifact(upload(content));
  const read = async (offset: bigint) => {
    const parts = await Array.fromAsync(fixture.client.readArtifact({ name, offset }));
    return Buffer.concat(parts.map(({ data }) => data));
  };

  test('is read by others from any byte on', async () => {
    await expectReason(read(0n), 'ARTIFACT_NOT_FOUND');
    await put(bytes);
    expect(await read(0n)).toEqual(bytes);
    expect(await read(199_998n)).toEqual(Buffer.from('89'));
    expect(await read(200_000n)).toEqual(Buffer.alloc(0));
    await expectReason(read(200_001n), 'OFFSET_BEYOND_END');
    await expectReason(read(-1n), 'OFFSET_BEYOND_END');
  });

  test('is read by so many at once', async () => {
    await fixture.restart({ maxReaders: 1 }, { connectTo: peers.connectTo });
    await put(bytes);
    const first = fixture.client.readArtifact({ name })[Symbol.asyncIterator]();
    await first.next();
    await expectReason(read(0n), 'TOO_MANY_READERS');
    await first.return?.();
    expect(await read(0n)).toEqual(bytes);
  });
});

describe('an archive', () => {
  const archive = archiveOf([
    { path: 'app/run', content: '#!/bin/sh\necho "it works"\n', mode: 0o755 },
  ]);
  const packed = { name: `artifacts/${digestOf(archive)}`, sources: ['a'], unpack: true };
  const artifacts = [{ artifact: packed.name, path: 'lib/app', unpack: true }];

  test('is unpacked once on this host, for all processes, until it is deleted', async () => {
    peers.content = archive;
    peers.behaviours.set('a', [{}]);
    expect((await pulled(packed)).artifact?.unpacked).toBe(true);
    await fixture.restart({}, { connectTo: peers.connectTo });
    for (const id of ['p', 'q']) {
      await fixture.start(id, ['lib/app/app/run'], { artifacts });
      await fixture.until(id, 'EXITED');
      expect(await fixture.log(id)).toBe('it works\n');
    }
    const digest = digestOf(archive);
    expect(readdirSync(folder('unpacked')).sort()).toEqual([digest, `${digest}.looks`]);
    await expectReason(fixture.client.deleteArtifact({ name: packed.name }), 'ARTIFACT_IN_USE');
    for (const id of ['p', 'q']) await fixture.client.deleteProcess({ name: `processes/${id}` });
    await fixture.client.deleteArtifact({ name: packed.name });
    expect(readdirSync(folder('unpacked'))).toEqual([]);
  });

  test('that is here is unpacked without any source; a damaged one says why it is not', async () => {
    const broken = Buffer.from('no archive');
    for (const content of [archive, broken]) await fixture.client.putArtifact(upload(content));
    const here = { ...packed, sources: [] };
    await expect.poll(async () => (await pull(here)).artifact?.unpacked).toBe(true);
    const bad = { ...here, name: `artifacts/${digestOf(broken)}` };
    const reason = async () => (await pull(bad)).failureReason;
    await expect.poll(reason).toBe('ARTIFACT_NOT_UNPACKABLE');
    const used = [{ artifact: bad.name, path: 'x', unpack: true }];
    const started = fixture.start('p', ['true'], { artifacts: used });
    await expectReason(started, 'ARTIFACT_NOT_UNPACKABLE');
  });

  const unpackedRun = () => join(folder('unpacked'), digestOf(archive), 'app/run');
  const overwrite = () => {
    chmodSync(unpackedRun(), 0o755);
    writeFileSync(unpackedRun(), '#!/bin/sh\necho "it fails"\n');
  };

  describe('that somebody changes where it is unpacked', () => {
    test.each<[string, () => void]>([
      ['by writing into a file of it', overwrite],
      ['by removing a file', () => rmSync(unpackedRun())],
      ['by adding one', () => writeFileSync(join(unpackedRun(), '..', 'other'), '')],
      ['by removing all of it', () => rmSync(join(unpackedRun(), '../..'), { recursive: true })],
    ])(
      '%s is told of while a process runs with it, and put right when that is asked for',
      async (_, change) => {
        await fixture.client.putArtifact(upload(archive));
        await fixture.start('p', ['sleep', '1000'], { artifacts });
        await fixture.until('p', 'RUNNING');
        const changed = async () =>
          (await fixture.client.listProcesses({})).processes[0]!.changedFiles;
        expect(await changed()).toEqual([]);
        change();
        await expect.poll(changed).toEqual(['lib/app']);
        expect((await fixture.client.getArtifact({ name: packed.name })).unpacked).toBe(false);
        await fixture.client.restoreFiles({ name: 'processes/p' });
        expect(await changed()).toEqual([]);
        expect(readFileSync(unpackedRun(), 'utf8')).toContain('it works');
        const digest = digestOf(archive);
        expect(readdirSync(folder('unpacked')).sort()).toEqual([digest, `${digest}.looks`]);
      },
    );

    test('is put right before a process starts with it, also when nobody has looked', async () => {
      await fixture.client.putArtifact(upload(archive));
      await fixture.start('p', ['lib/app/app/run'], { artifacts });
      await fixture.until('p', 'EXITED');
      await fixture.stop();
      overwrite();
      await fixture.restart({}, { connectTo: peers.connectTo });
      await fixture.start('q', ['lib/app/app/run'], { artifacts });
      await fixture.until('q', 'EXITED');
      expect(await fixture.log('q')).toBe('it works\n');
    });
  });

  test('that was being unpacked when the daemon died is unpacked anew', async () => {
    await fixture.client.putArtifact(upload(archive));
    await fixture.stop();
    writeFileSync(join(folder('unpacked'), 'half.new'), '');
    await fixture.restart({}, { connectTo: peers.connectTo });
    expect(readdirSync(folder('unpacked'))).toEqual([]);
    await fixture.start('p', ['lib/app/app/run'], { artifacts });
    await fixture.until('p', 'EXITED');
    const linked = join(fixture.folder, 'host/processes/p/work/lib/app/app/run');
    expect(readFileSync(linked, 'utf8')).toContain('it works');
  });
});
