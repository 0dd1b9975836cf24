import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type KeyValueStore, systemClock } from '@tessera/base';
import { openSqliteStore } from '../sqlite-store.ts';

/**
 * A process that the crash tests end at will. Four writers count: number n of a writer is one transaction that
 * writes its counter and two more keys. Each acknowledged one is printed as `ack WRITER N REVISION`, at once. When
 * the store refuses a write it prints the reason, and goes on when it is told to.
 */
const [file, valueBytes] = process.argv.slice(2);
const writers = 4;
const probe = new URL('./probe.ts', import.meta.url).href;

const store = await openSqliteStore({ file: file!, clock: systemClock, probe });
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
let resumed: Promise<unknown> | undefined;
await Promise.all(Array.from({ length: writers }, (_, writer) => count(store, writer)));

async function count(store: KeyValueStore, writer: number): Promise<void> {
  const { entry } = await store.get(`/counter/${writer}`);
  let n = entry === undefined ? 0 : Number(Buffer.from(entry.value).toString());
  for (;;) {
    try {
      const revision = await write(store, writer, n + 1);
      n += 1;
      writeSync(1, `ack ${writer} ${n} ${revision}\n`);
    } catch (error) {
      const { entry: read } = await store.get(`/counter/${writer}`);
      const seen = read === undefined ? 0 : Number(Buffer.from(read.value).toString());
      writeSync(1, `refused ${writer} ${seen} ${(error as { reason?: string }).reason}\n`);
      resumed ??= lines.next();
      await resumed;
    }
  }
}

async function write(store: KeyValueStore, writer: number, n: number): Promise<bigint> {
  const value = Buffer.alloc(Number(valueBytes), `${writer}.${n}`);
  const { revision, succeeded } = await store.transaction({
    compare: [{ key: `/log/${writer}/${n}`, target: 'createRevision', to: 0n }],
    success: [
      { op: 'put', key: `/counter/${writer}`, value: Buffer.from(`${n}`) },
      { op: 'put', key: `/log/${writer}/${n}`, value },
      { op: 'put', key: `/pair/${writer}/${n}`, value: Buffer.from(`${n}`) },
    ],
  });
  if (!succeeded) throw new Error(`Write ${n} of writer ${writer} was there before it was made`);
  return revision;
}
