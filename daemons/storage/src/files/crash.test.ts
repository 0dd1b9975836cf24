import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bigint, col, cube, integer, planOf, StorageFixture } from '../storage-fixture.ts';

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const flags = ['--conditions=tessera-source', '--disable-warning=ExperimentalWarning'];
const count = { name: 'n', fn: 'count_sum', args: [col('n', bigint)], type: bigint } as const;
const query = (rows: number) => `SELECT range::INTEGER AS k, 1::BIGINT AS n FROM range(${rows})`;

let fixture: StorageFixture;
beforeEach(async () => {
  fixture = await StorageFixture.open();
});
afterEach(() => fixture[Symbol.asyncDispose]());

describe('kill -9 while files are taken in', () => {
  test('at any change of the disk: what was taken in is whole, and the commit can be repeated', async () => {
    let completed = false;
    for (let step = 1; !completed; step++) {
      const moment = step % 2 === 0 ? 'before' : 'after';
      const { ingest, stagingDirectory } = await fixture.daemon.prepareIngest(
        cube,
        `build ${step}`,
      );
      const files = [];
      for (const segment of [`a${step}`, `b${step}`]) {
        files.push(
          await fixture.stage(
            stagingDirectory,
            { kind: 'layout', id: 'l', segment },
            query(10 + step + files.length),
          ),
        );
      }
      const json = JSON.stringify(files, (_, value) =>
        typeof value === 'bigint' ? `${value}` : value,
      );
      const child = spawn(process.execPath, [
        ...flags,
        script('crashing-ingest.ts'),
        fixture.folder,
        ingest,
        json,
        `${step}`,
        moment,
      ]);
      const [code, signal] = await once(child, 'exit');
      completed = code === 0;
      expect([code, signal]).toEqual(completed ? [0, null] : [null, 'SIGKILL']);
      // Whatever is visible now is whole; repeating the commit ends with all of it there.
      expect((await fixture.daemon.verify([])).quarantinedFiles).toEqual([]);
      const done = await fixture.daemon.commitIngest(ingest, files);
      const reads = files.map(({ segment, fileDigest }) => ({ id: segment!, fileDigest }));
      expect(await fixture.scan(planOf('l', reads, { aggregates: [count] }))).toEqual([
        [BigInt(21 + 2 * step)],
      ]);
      expect(await fixture.daemon.commitIngest(ingest, files)).toEqual(done);
      expect(step).toBeLessThan(60);
    }
  });
});

describe('a full disk', () => {
  test('fails the ingest with DISK_FULL; what is stored is still loaded and scanned', async () => {
    const segment = await fixture.store(
      { kind: 'layout', id: 'l', segment: 's' },
      'SELECT range::INTEGER AS k, 1::BIGINT AS n, hash(range)::VARCHAR AS wide FROM range(200000)',
    );
    const plan = planOf('l', [segment], {
      groupBy: [{ name: 'k', expr: col('k', integer) }],
      aggregates: [count],
    });
    await using copy = await mkdtempDisposable(join(tmpdir(), 'tessera-full-'));
    await cp(`${fixture.folder}/cuboids`, `${copy.path}/cuboids`, { recursive: true });
    const node = `"${process.execPath}" ${flags.join(' ')}`;
    // Writes beyond 1,200 blocks of 512 bytes fail with EFBIG instead of stopping the process.
    const limited = `trap '' XFSZ; ulimit -f 1200; exec ${node} "$0" "$1" "$2"`;
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      limited,
      script('full-disk.ts'),
      copy.path,
      JSON.stringify(plan),
    ]);
    const outcome = JSON.parse(stdout);
    expect(outcome).toMatchObject({ prepared: 'DISK_FULL', counts: [200_000, 200_000, 200_000] });
    expect(outcome.warm).toBe('loaded 1');
  });
});
