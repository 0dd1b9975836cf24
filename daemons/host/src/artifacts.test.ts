import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect } from '@tessera/client';
import { serve, silentLogger, startServer } from '@tessera/daemon';
import { host } from '@tessera/proto';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf, HostFixture, upload } from './testing/host-fixture.ts';

let fixture: HostFixture;
beforeEach(async () => {
  fixture = await HostFixture.open();
});
afterEach(() => fixture[Symbol.asyncDispose]());

const bytes = Buffer.from('0123456789'.repeat(50_000));
const name = `artifacts/${digestOf(bytes)}`;
const stored = (folder: string) => join(fixture.folder, 'host/artifacts', folder);
const path = () => join(stored('files'), digestOf(bytes));
const put = (...args: Parameters<typeof upload>) => fixture.client.putArtifact(upload(...args));

describe('an artifact', () => {
  test('is there when the call returns, under its digest, also after a restart', async () => {
    const artifact = await put(bytes, { displayName: 'lib.jar' });
    expect(artifact).toMatchObject({ name, sizeBytes: 500_000n, displayName: 'lib.jar' });
    expect(readFileSync(path())).toEqual(bytes);
    await fixture.restart();
    expect(await fixture.client.getArtifact({ name, verify: true })).toEqual(artifact);
    expect((await fixture.client.listArtifacts({})).artifacts).toEqual([artifact]);
  });

  test('that is there already is not read again', async () => {
    const first = await put(bytes);
    let pieces = 0;
    async function* counted() {
      for await (const part of upload(bytes, { displayName: 'other' })) {
        pieces++;
        yield part;
      }
    }
    expect(await fixture.client.putArtifact(counted())).toEqual(first);
    expect(pieces).toBe(1);
  });

  test('may be put by many at once, and may be empty', async () => {
    await Promise.all(Array.from({ length: 8 }, () => put(bytes)));
    await put(Buffer.alloc(0));
    expect(readdirSync(stored('files'))).toHaveLength(2);
    expect(readdirSync(stored('uploads'))).toEqual([]);
  });

  const other = Buffer.from(bytes);
  other[7] = 0;
  test.each([
    ['has other bytes', other, { name }, 'ARTIFACT_MISMATCH'],
    ['is cut off', bytes.subarray(0, 400_000), { name, sizeBytes: 500_000n }, 'ARTIFACT_MISMATCH'],
    ['goes on', bytes, { sizeBytes: 499_999n }, 'ARTIFACT_MISMATCH'],
    ['has no digest', bytes, { name: 'artifacts/latest' }, 'BAD_REQUEST'],
    ['is called otherwise', bytes, { name: `artifacts/../${name}` }, 'BAD_REQUEST'],
  ] as const)('that %s leaves nothing behind', async (_, sent, announced, reason) => {
    await expectReason(put(sent, announced), reason);
    await expectReason(fixture.client.getArtifact({ name }), 'ARTIFACT_NOT_FOUND');
    expect(readdirSync(stored('uploads')).concat(readdirSync(stored('files')))).toEqual([]);
    await put(bytes);
  });

  test('whose parts come in another order, or stop coming, is refused', async () => {
    const [header, chunk] = await Array.fromAsync(upload(bytes, {}, bytes.length));
    const send = (parts: host.PutArtifactRequest[], end: Promise<void> = Promise.resolve()) =>
      fixture.client.putArtifact(
        (async function* () {
          yield* parts;
          await end;
        })(),
      );
    await expectReason(send([chunk!, header!]), 'BAD_REQUEST');
    await expectReason(send([header!, header!]), 'BAD_REQUEST');
    await expectReason(send([]), 'BAD_REQUEST');
    await fixture.restart({ uploadIdleTimeoutMs: 50 });
    const never = new Promise<void>(() => {});
    await expectReason(send([header!], never), 'UPLOAD_IDLE');
    await expectReason(send([], never), 'UPLOAD_IDLE');
    expect(readdirSync(stored('uploads'))).toEqual([]);
  });

  test('that breaks off with its connection leaves nothing behind', async () => {
    const { client } = fixture;
    const implementation = client as unknown as host.HostServiceImplementation;
    const services = [serve(host.HostServiceDefinition, implementation)] as never;
    await using server = await startServer({ address: '127.0.0.1:0', services, log: silentLogger });
    using connection = connect(server.address);
    const control = new AbortController();
    async function* endless() {
      yield* upload(bytes, { sizeBytes: 1_000_000_000n });
      await expect.poll(() => readdirSync(stored('uploads')).length).toBe(1);
      control.abort();
      await new Promise(() => {});
    }
    const { signal } = control;
    await expectReason(connection.host.putArtifact(endless(), { signal }), 'CANCELLED');
    await expect.poll(() => readdirSync(stored('uploads'))).toEqual([]);
  });

  test('that is too large, or one too many at once, is refused', async () => {
    await fixture.restart({ maxArtifactBytes: 1_000, maxUploads: 1 });
    await expectReason(put(bytes), 'ARTIFACT_TOO_LARGE');
    const small = Buffer.from('small');
    let release = () => {};
    const first = fixture.client.putArtifact(
      (async function* () {
        const [header, chunk] = await Array.fromAsync(upload(small));
        yield header!;
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        yield chunk!;
      })(),
    );
    await expect.poll(() => readdirSync(stored('uploads')).length).toBe(1);
    await expectReason(put(Buffer.from('other')), 'TOO_MANY_UPLOADS');
    release();
    await first;
    await put(Buffer.from('other'));
  });

  test('that is damaged on the disk is found, set aside, and may be put again', async () => {
    await put(bytes);
    const damage = () => {
      chmodSync(path(), 0o755);
      writeFileSync(path(), other);
    };
    damage();
    await expectReason(fixture.client.getArtifact({ name, verify: true }), 'ARTIFACT_CORRUPTED');
    expect(readdirSync(stored('quarantine'))).toHaveLength(1);
    await expectReason(fixture.client.getArtifact({ name }), 'ARTIFACT_NOT_FOUND');
    await put(bytes);
    damage();
    await put(bytes);
    expect(readFileSync(path())).toEqual(bytes);
  });

  test('that was never acknowledged is thrown away at the start, and one that vanished is forgotten', async () => {
    await put(bytes);
    await put(Buffer.from('kept'));
    await fixture.stop();
    const torn = digestOf(Buffer.from('torn'));
    writeFileSync(join(stored('files'), torn), 'torn');
    writeFileSync(join(stored('uploads'), 'x'), 'half');

    rmSync(path(), { force: true });
    await fixture.restart();
    const { artifacts } = await fixture.client.listArtifacts({});
    expect(artifacts.map(({ sizeBytes }) => sizeBytes)).toEqual([4n]);
    expect(existsSync(join(stored('files'), torn))).toBe(false);
    expect(readdirSync(stored('uploads'))).toEqual([]);
  });
});

describe('a process with artifacts', () => {
  const script = Buffer.from('#!/bin/sh\necho "$0 works"\n');
  const artifact = `artifacts/${digestOf(script)}`;

  test('finds them in its working directory, whole, and may execute them', async () => {
    await put(script);
    await fixture.start('p', ['./bin/run'], { artifacts: [{ artifact, path: 'bin/run' }] });
    const { lastExit } = await fixture.until('p', 'EXITED');
    expect(lastExit?.cause).toEqual({ $case: 'code', value: 0 });
    expect(await fixture.log('p')).toContain('bin/run works');
    const linked = join(fixture.folder, 'host/processes/p/work/bin/run');
    expect(statSync(linked).nlink).toBe(2);
    expect(readdirSync(join(linked, '..'))).toEqual(['run']);
    await expectReason(fixture.client.deleteArtifact({ name: artifact }), 'ARTIFACT_IN_USE');
    await fixture.client.deleteProcess({ name: 'processes/p' });
    await fixture.client.deleteArtifact({ name: artifact });
    await expectReason(fixture.client.deleteArtifact({ name: artifact }), 'ARTIFACT_NOT_FOUND');
    await fixture.client.deleteArtifact({ name: artifact, allowMissing: true });
  });

  test('is refused when one is missing, damaged, or would lie elsewhere', async () => {
    const run = (path: string) =>
      fixture.start('p', ['./run'], { artifacts: [{ artifact, path }] });
    await expectReason(run('run'), 'ARTIFACT_NOT_FOUND');
    await put(script);
    for (const wrong of ['../run', '/tmp/run', 'a/../../run', '']) {
      await expectReason(run(wrong), 'PROCESS_INVALID');
    }
    const file = join(stored('files'), digestOf(script));
    chmodSync(file, 0o755);
    writeFileSync(file, '#!/bin/sh\necho evil\n');
    await expectReason(run('run'), 'ARTIFACT_CORRUPTED');
    await expectReason(fixture.get('p'), 'PROCESS_NOT_FOUND');
  });
});

test('a full disk refuses what does not fit; what was there, and what runs, goes on', async () => {
  await put(bytes);
  await fixture.sh('p', 'sleep 1000');
  const { pid } = await fixture.until('p', 'RUNNING');
  await fixture.stop();
  const flags = ['--conditions=tessera-source', '--disable-warning=ExperimentalWarning'];
  const script = fileURLToPath(new URL('testing/full-disk.ts', import.meta.url));
  // Writes beyond 400 blocks of 512 bytes fail with EFBIG instead of stopping the process.
  const limited = `trap '' XFSZ; ulimit -f 400; exec "$@"`;
  const node = [process.execPath, ...flags, script, join(fixture.folder, 'host')];
  const { stdout } = await promisify(execFile)('sh', ['-c', limited, 'sh', ...node]);
  expect(JSON.parse(stdout)).toEqual({
    put: 'DISK_FULL',
    pulled: 'DISK_FULL',
    uploads: [],
    verified: name,
    refused: expect.stringMatching(/^(DISK_FULL|HOST_JOURNAL_FAILED)$/),
    running: pid,
    missing: [],
  });
  await fixture.restart();
  expect((await fixture.until('p', 'RUNNING')).pid).toBe(pid);
});
