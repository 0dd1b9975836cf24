import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectReason } from '@tessera/testkit/contracts';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listLog } from './process/log-files.ts';
import { lastLines } from './process/read-log.ts';
import { HostFixture, readLog } from './testing/host-fixture.ts';

let fixture: HostFixture;
beforeEach(async () => {
  fixture = await HostFixture.open();
});
afterEach(() => fixture[Symbol.asyncDispose]());

const numbers = (count: number) =>
  Array.from({ length: count }, (_, i) => `line ${i + 1}\n`).join('');
const count = (to: number) => `for i in $(seq ${to}); do echo "line $i"; done`;
const name = 'processes/p';
const pieces = () => listLog(join(fixture.folder, 'host/processes/p/logs/output.log'));

describe('what a process prints', () => {
  test('is read while it is printed, each byte once, across rotations', async () => {
    // Over the time of several rotations.
    const script = 'for k in $(seq 60); do seq 1 2000; sleep 0.05; done';
    await fixture.sh('p', script, { logRotation: { maxBytes: 4_096n, maxFiles: 100 } });
    let offset = 0n;
    let printed = '';
    for await (const chunk of fixture.client.readLogs({ name, startOffset: 0n, follow: true })) {
      expect(chunk.offset).toBe(offset);
      offset += BigInt(chunk.data.length);
      printed += chunk.data;
    }
    const once = Array.from({ length: 2_000 }, (_, i) => `${i + 1}\n`).join('');
    expect(printed === once.repeat(60)).toBe(true);
    expect(pieces().length).toBeGreaterThan(2);
    expect(await readLog(fixture.client, 'p', { startOffset: 0n })).toBe(printed);
  });

  test('is kept up to so many files; what is older is gone, and a reader is told', async () => {
    const limits = { maxBytes: 4_096n, maxFiles: 2 };
    const script = `i=0; while [ $i -lt 30 ]; do i=$((i+1)); printf "%01000d" 0 0 0 0 0; sleep 0.1; done`;
    await fixture.sh('p', script, { logRotation: limits });
    await fixture.until('p', 'EXITED');
    expect(pieces().length).toBe(3);
    await expectReason(
      Array.fromAsync(fixture.client.readLogs({ name, startOffset: 0n })),
      'LOG_ROTATED',
    );
    const [oldest] = pieces();
    expect(oldest!.start).toBeGreaterThan(0);
    const kept = await readLog(fixture.client, 'p', { startOffset: BigInt(oldest!.start) });
    expect(oldest!.start + kept.length).toBe(30 * 5 * 1_000);
  });

  test('begins with the last lines, ends at a limit, and errors are apart', async () => {
    await fixture.sh('p', `${count(500)}; echo bad >&2; printf end`);
    await fixture.until('p', 'EXITED');
    expect(await readLog(fixture.client, 'p', { tailLines: 3 })).toBe('line 499\nline 500\nend');
    expect(await readLog(fixture.client, 'p', { startOffset: 7n, maxBytes: 7n })).toBe('line 2\n');
    expect(await readLog(fixture.client, 'p', { stream: 2 })).toBe('bad\n');
    expect(await readLog(fixture.client, 'p', { startOffset: 1_000_000n })).toBe('');
  });

  test('goes on in the next run, and is followed until the process has ended for good', async () => {
    const restart = { mode: 2 as const, initialBackoff: { seconds: 0n, nanos: 1e6 } };
    await fixture.sh('p', 'echo run; [ -e done ] && exit 0; touch done; exit 1', { restart });
    expect(await readLog(fixture.client, 'p', { follow: true })).toBe('run\nrun\n');
  });

  test('of a process that is not there is refused', async () => {
    const logs = fixture.client.readLogs({ name: 'processes/none' });
    await expectReason(Array.fromAsync(logs), 'PROCESS_NOT_FOUND');
  });
});

test('the last lines of any text are those that splitting it gives', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '\n') }),
      fc.integer({ min: 0, max: 9 }),
      (text, n) => {
        const lines = text
          .split('\n')
          .map((line, i, all) => (i < all.length - 1 ? `${line}\n` : line));
        const whole = lines.filter((line) => line !== '');
        const expected = n === 0 ? '' : whole.slice(-n).join('');
        expect(text.slice(lastLines(Buffer.from(text), n))).toBe(expected);
      },
    ),
  );
});

/** A file system that cannot cut off the front of a file. */
const memory = '/dev/shm';
test.skipIf(!existsSync(memory))(
  'where the front of a file cannot be cut off, the file is emptied',
  async () => {
    const { rotateLog } = await import('./process/rotate-log.ts');
    for (const parent of [memory, tmpdir()]) {
      const folder = mkdtempSync(join(parent, 'tessera-host-'));
      const path = join(folder, 'output.log');
      const text = numbers(3_000);
      writeFileSync(path, text);
      rotateLog(path, { maxBytes: text.length, maxFiles: 2 });
      expect(listLog(path)).toHaveLength(1);
      rotateLog(path, { maxBytes: text.length - 1, maxFiles: 2 });
      const found = listLog(path);
      expect(found).toHaveLength(2);
      expect(found.map((piece) => readFileSync(piece.path, 'utf8')).join('')).toBe(text);
      expect(found[1]!.start).toBe(found[0]!.sizeBytes);
      rmSync(folder, { recursive: true });
    }
  },
);
