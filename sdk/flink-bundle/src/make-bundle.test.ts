import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expectReason } from '@tessera/testkit/contracts';
import { list } from 'tar';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type BundleRequest, makeBundle } from './make-bundle.ts';
import { orNoSpace, requireSpace } from './space.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-bundle-test-'));
  mkdirSync(join(folder, 'tmp'));
  vi.stubEnv('TMPDIR', join(folder, 'tmp'));
});
afterEach(() => {
  // Whatever happened, nothing is left over.
  expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const files: Readonly<Record<string, string>> = {
  'lib/flink-dist-2.3.0.jar': 'all of it',
  'lib/flink-json-2.3.0.jar': 'json',
  'opt/flink-sql-gateway-2.3.0.jar': 'gateway',
  'plugins/README.txt': 'read me',
  'plugins/gpu/discover.sh': '#!/bin/sh',
  'plugins/metrics-jmx/flink-metrics-jmx-2.3.0.jar': 'jmx',
  'bin/flink': '#!/bin/sh',
  'conf/config.yaml': 'a: b',
};

const sha512 = (bytes: Uint8Array) => createHash('sha512').update(bytes).digest('hex');

interface Distribution {
  readonly name?: string;
  readonly content?: Readonly<Record<string, string>>;
  readonly modifiedAt?: number;
  readonly flags?: readonly string[];
}

/** A distribution as Flink publishes it, with its checksum beside it. */
function distribution({
  name = 'flink.tgz',
  content = files,
  modifiedAt = 1,
  flags = [],
}: Distribution = {}): string {
  const root = join(folder, 'flink-2.3.0');
  for (const [path, text] of Object.entries(content)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    utimesSync(join(root, path), modifiedAt, modifiedAt);
  }
  const file = join(folder, name);
  execFileSync('tar', [...flags, '-czf', file, '-C', folder, 'flink-2.3.0']);
  rmSync(root, { recursive: true });
  writeFileSync(`${file}.sha512`, `${sha512(readFileSync(file))}  ${name}\n`);
  return file;
}

const output = () => join(folder, 'bundle.tar');
const make = (request: Partial<BundleRequest>) =>
  makeBundle({
    output: output(),
    onStep: () => {},
    signal: new AbortController().signal,
    ...request,
  });

describe('a distribution', () => {
  test('becomes an archive of its libraries and plugins', async () => {
    const bundle = await make({ tarball: { file: distribution() } });
    const packed: string[] = [];
    await list({
      file: output(),
      onReadEntry: ({ path, mode }) => packed.push(`${path} ${mode?.toString(8)}`),
    });
    expect(packed).toEqual([
      'lib/flink-dist-2.3.0.jar 644',
      'lib/flink-json-2.3.0.jar 644',
      'opt/flink-sql-gateway-2.3.0.jar 644',
      'plugins/README.txt 644',
      'plugins/gpu/discover.sh 755',
      'plugins/metrics-jmx/flink-metrics-jmx-2.3.0.jar 644',
    ]);
    const digest = createHash('sha256').update(readFileSync(output())).digest('hex');
    expect(bundle).toMatchObject({ version: '2.3.0', digest, fileCount: 6 });
  });

  test('gives the same bytes whoever packed it when', async () => {
    const first = await make({ tarball: { file: distribution() } });
    const flags = ['--sort=name', '--mode=0700', '--owner=7'];
    const reversed = Object.fromEntries(Object.entries(files).reverse());
    const again = { name: 'again.tgz', content: reversed, modifiedAt: 1e9, flags };
    expect(await make({ tarball: { file: distribution(again) } })).toEqual(first);
  });

  test('gives other bytes when one file differs', async () => {
    const first = await make({ tarball: { file: distribution() } });
    const content = { ...files, 'lib/flink-json-2.3.0.jar': 'jsom' };
    const other = await make({ tarball: { file: distribution({ name: 'b.tgz', content }) } });
    expect(other.digest).not.toBe(first.digest);
  });

  test('is compared with a checksum that is given', async () => {
    const file = distribution();
    const right = sha512(readFileSync(file));
    rmSync(`${file}.sha512`);
    await expectReason(make({ tarball: { file } }), 'FLINK_CHECKSUM_UNKNOWN');
    await expectReason(make({ tarball: { file, sha512: 'abc' } }), 'FLINK_CHECKSUM_UNKNOWN');
    const wrong = `${right.slice(1)}${right[0]}`;
    await expectReason(make({ tarball: { file, sha512: wrong } }), 'FLINK_CHECKSUM_WRONG');
    expect(await make({ tarball: { file, sha512: right.toUpperCase() } })).toMatchObject({
      fileCount: 6,
    });
  });

  test('that was cut off is refused by its checksum, and by its end', async () => {
    const file = distribution();
    const cut = readFileSync(file).subarray(0, -20);
    writeFileSync(file, cut);
    await expectReason(make({ tarball: { file } }), 'FLINK_CHECKSUM_WRONG');
    await expectReason(make({ tarball: { file, sha512: sha512(cut) } }), 'FLINK_TARBALL_INVALID');
    expect(readdirSync(folder)).not.toContain('bundle.tar');
  });

  test('of another version than was asked for is refused', async () => {
    const file = distribution();
    await expectReason(make({ version: '2.2.0', tarball: { file } }), 'FLINK_VERSION_DIFFERS');
    expect(await make({ version: '2.3.0', tarball: { file } })).toMatchObject({ version: '2.3.0' });
  });

  test.each<[string, Readonly<Record<string, string>>]>([
    ['without its main library', { 'lib/flink-json-2.3.0.jar': 'json' }],
    ['of two versions', { ...files, 'lib/flink-dist-2.2.0.jar': 'old' }],
    ['without a library', { 'bin/flink': '#!/bin/sh' }],
  ])('%s is refused', async (_, content) => {
    await expectReason(
      make({ tarball: { file: distribution({ content }) } }),
      'FLINK_TARBALL_INVALID',
    );
  });

  test('that is none is refused', async () => {
    const file = join(folder, 'page.html');
    writeFileSync(file, '<html>');
    const tarball = { file, sha512: sha512(readFileSync(file)) };
    await expectReason(make({ tarball }), 'FLINK_TARBALL_INVALID');
    await expectReason(
      make({ tarball: { file: join(folder, 'nothing') } }),
      'FLINK_TARBALL_INVALID',
    );
    await expectReason(make({ tarball: { file: folder } }), 'FLINK_TARBALL_INVALID');
  });
});

describe('packages', () => {
  /** Programs of these names, and no others but what scripts need. */
  function programs(scripts: Readonly<Record<string, string>>): void {
    const path = join(folder, 'bin');
    mkdirSync(path);
    for (const [name, script] of Object.entries(scripts)) {
      writeFileSync(join(path, name), `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`, {
        mode: 0o755,
      });
    }
    vi.stubEnv('PATH', path);
  }

  /** Stands for Python: makes an environment, and installs what it is given. */
  const python = (install: string) => `
    if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; exit; fi
    while [ $# -gt 0 ]; do [ "$1" = --target ] && target="$2/pyflink"; shift; done
    [ -z "$target" ] && exit
    ${install}`;

  test('of a version that nobody knows are not fetched', async () => {
    await expectReason(make({ version: '9.9.9' }), 'FLINK_VERSION_UNKNOWN');
  });

  test('are not fetched without the programs that fetch them', async () => {
    programs({});
    await expect(make({})).rejects.toMatchObject({
      reason: 'FLINK_TOOL_MISSING',
      metadata: { program: 'python3' },
    });
  });

  test('that cannot be fetched: what the program said', async () => {
    programs({ python3: python('echo no route to the registry >&2; exit 3') });
    await expect(make({})).rejects.toMatchObject({
      reason: 'FLINK_FETCH_FAILED',
      message: expect.stringContaining('no route to the registry'),
    });
  });

  test('that do not fit on the disk', async () => {
    const said = "OSError: [Errno 28] No space left on device: 'flink-dist.jar'";
    programs({ python3: python(`echo "${said}" >&2; exit 1`) });
    await expect(make({})).rejects.toMatchObject({
      reason: 'FLINK_BUNDLE_NO_SPACE',
      message: expect.stringContaining(said),
    });
  });

  test('that are interrupted leave nothing behind, and nothing runs on', async () => {
    const began = join(folder, 'began');
    // A build that writes in the background, as pip's does.
    const build = `while :; do echo x >> "$TMPDIR/x"; sleep 0.01; done & echo $! > ${began}.new; mv ${began}.new ${began}; wait`;
    programs({ python3: python(build) });
    const interrupt = new AbortController();
    const made = make({ signal: interrupt.signal });
    await expect.poll(() => existsSync(began)).toBe(true);
    interrupt.abort(new Error('interrupted'));
    await expect(made).rejects.toThrow('interrupted');
    const builder = Number(readFileSync(began, 'utf8'));
    await expect.poll(() => runs(builder)).toBe(false);
  });

  test('that are not what was published make no bundle', async () => {
    const install =
      'mkdir -p "$target/lib" "$target/opt" "$target/plugins"; echo x > "$target/lib/flink-dist-2.3.0.jar"';
    programs({ python3: python(install), mvn: 'true' });
    await expectReason(make({}), 'FLINK_CHECKSUM_WRONG');
    expect(readdirSync(folder)).not.toContain('bundle.tar');
  });
});

/** What has ended and was not waited for by anybody does not. */
function runs(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('a disk that is too small is told of before, and one that fills up meanwhile after', async () => {
  await requireSpace(folder, 1);
  await expectReason(requireSpace(folder, Number.MAX_SAFE_INTEGER), 'FLINK_BUNDLE_NO_SPACE');
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
  });
  await expectReason(
    orNoSpace(folder, () => Promise.reject(full)),
    'FLINK_BUNDLE_NO_SPACE',
  );
  await expect(orNoSpace(folder, () => Promise.reject(new Error('other')))).rejects.toThrow(
    'other',
  );
});
