import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type KeyValueStore, prefixRange, seededRandom, systemClock } from '@tessera/base';
import { afterAll, describe, expect, test } from 'vitest';
import { openSqliteStore } from './sqlite-store.ts';

const directory = mkdtempSync(join(tmpdir(), 'tessera-crash-'));
afterAll(() => rmSync(directory, { recursive: true }));
const script = fileURLToPath(new URL('./crash/writer.ts', import.meta.url));
const nodeArguments = (file: string, valueBytes: number) => [
  '--conditions=tessera-source',
  script,
  file,
  `${valueBytes}`,
];

interface Ack {
  readonly writer: string;
  readonly n: number;
  readonly revision: bigint;
}

function parseAck(line: string): Ack {
  const [, writer, n, revision] = line.split(' ');
  return { writer: writer!, n: Number(n), revision: BigInt(revision!) };
}

/** Runs the writer until it has died: by its own probe, or killed after some acknowledgements. */
async function runUntilKilled(
  file: string,
  options: { readonly crash?: string; readonly killAfter?: number },
): Promise<Ack[]> {
  const child = spawn(process.execPath, nodeArguments(file, 300), {
    env: { ...process.env, TESSERA_TEST_CRASH: options.crash ?? ':0' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const acks: Ack[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    // The last line may be cut off by the kill: then nobody was told.
    if (!/^ack \d+ \d+ \d+$/.test(line)) continue;
    acks.push(parseAck(line));
    if (acks.length === options.killAfter) child.kill('SIGKILL');
  }
  expect((await exit)[1]).toBe('SIGKILL');
  return acks;
}

/** Everything acknowledged is there, every transaction whole, every revision used once. */
async function checkStore(store: KeyValueStore, acks: readonly Ack[]): Promise<void> {
  const { revision } = await store.status();
  const byRevision = new Map<bigint, string[]>();
  if (revision > 1n) {
    for await (const batch of store.watch(prefixRange('/'), { startRevision: 2n })) {
      const keys = batch.events.map((event) =>
        event.kind === 'put' ? event.entry.key : event.key,
      );
      if (keys.length > 0) byRevision.set(batch.revision, keys.sort());
      if (batch.revision >= revision) break;
    }
  }
  const next = new Map<string, number>();
  for (let at = 2n; at <= revision; at++) {
    const [counter] = byRevision.get(at) ?? [];
    const writer = counter?.split('/')[2];
    const n = (next.get(writer!) ?? 0) + 1;
    next.set(writer!, n);
    const whole = [`/counter/${writer}`, `/log/${writer}/${n}`, `/pair/${writer}/${n}`];
    expect(byRevision.get(at)).toEqual(whole);
  }
  for (const { writer, n, revision: acked } of acks) {
    expect(byRevision.get(acked)).toContain(`/log/${writer}/${n}`);
  }
}

async function reopenAndCheck(file: string, acks: readonly Ack[]): Promise<void> {
  const store = await openSqliteStore({ file, clock: systemClock });
  await checkStore(store, acks);
  await store.close();
}

describe('kill -9', () => {
  test.each(['begun', 'applied', 'committed'])(
    'when a commit has %s loses nothing that was acknowledged',
    async (stage) => {
      const file = join(directory, `${stage}.db`);
      const acks: Ack[] = [];
      for (const count of [1, 2, 5, 9]) {
        acks.push(...(await runUntilKilled(file, { crash: `${stage}:${count}` })));
        await reopenAndCheck(file, acks);
      }
      expect(acks.length).toBeGreaterThan(0);
    },
  );

  test('at any moment loses nothing that was acknowledged', async () => {
    const file = join(directory, 'random.db');
    const random = seededRandom(42);
    const acks: Ack[] = [];
    for (let life = 0; life < 8; life++) {
      acks.push(...(await runUntilKilled(file, { killAfter: random.integer(1, 300) })));
      await reopenAndCheck(file, acks);
    }
    expect(acks.length).toBeGreaterThan(100);
  });
});

describe('a full disk', () => {
  const needed = ['bash', 'prlimit'].filter((program) => !isThere(program));

  test.skipIf(needed.length > 0)(
    `is a clear error, loses nothing, and is over when there is room again${needed.length > 0 ? ` (skipped: needs ${needed.join(' and ')})` : ''}`,
    async () => {
      const file = join(directory, 'full.db');
      const child = spawn(
        'bash',
        // A bound on the size of files stands for the end of the disk.
        [
          '-c',
          'ulimit -S -f 1500; exec "$@"',
          'bash',
          process.execPath,
          ...nodeArguments(file, 20_000),
        ],
        { stdio: ['pipe', 'pipe', 'inherit'] },
      );
      const exit = once(child, 'exit');
      const { acks, refused } = await writeThroughFullDisk(child);
      await exit;
      expect(refused.length).toBeGreaterThan(0);
      for (const line of refused) {
        const [, writer, seen, reason] = line.split(' ');
        expect(reason).toBe('STORE_WRITE_FAILED');
        const before = acks.before.filter((ack) => ack.writer === writer);
        expect(Number(seen)).toBe(before.length); // Reading goes on, and shows no more than was written.
      }
      expect(acks.before.length).toBeGreaterThan(10);
      expect(acks.after.length).toBeGreaterThan(10);
      await reopenAndCheck(file, [...acks.before, ...acks.after]);
    },
  );
});

/** Lets it run into the bound, lifts that, lets it write on, and ends it. */
async function writeThroughFullDisk(child: ChildProcess) {
  const acks = { before: [] as Ack[], after: [] as Ack[] };
  const refused: string[] = [];
  let lifted = false;
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line.startsWith('refused')) {
      refused.push(line);
      // All four writers stand still, so what they saw can be compared.
      if (refused.length === 4) {
        execFileSync('prlimit', ['--pid', `${child.pid}`, '--fsize=unlimited:unlimited']);
        lifted = true;
        child.stdin!.write('go on\n');
      }
    } else if (/^ack \d+ \d+ \d+$/.test(line)) {
      (lifted ? acks.after : acks.before).push(parseAck(line));
      if (acks.after.length === 40) child.kill('SIGKILL');
    }
  }
  return { acks, refused };
}

function isThere(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
