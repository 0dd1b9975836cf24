/**
 * Run by a test in a process of its own: takes the staged files of an ingest in, and dies by SIGKILL right before
 * or after a given call that changes the file system. Arguments: folder, ingest, staged files as JSON, number of
 * the call (counted from 1), `before` or `after`. Without dying it prints how many calls there were.
 */
import fs from 'node:fs/promises';
import { dieAtCall } from './die-at-call.ts';

const [folder, ingest, filesJson, callNumber, moment] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
];
const calls = dieAtCall(Number(callNumber), moment);

const { FileStore } = await import('./file-store.ts');
const files = JSON.parse(filesJson, (key, value) =>
  key === 'rowCount' || key === 'sizeBytes' ? BigInt(value) : value,
);
const rowCounts = new Map<number, bigint>(
  files.map((file: { sizeBytes: bigint; rowCount: bigint }) => [
    Number(file.sizeBytes),
    file.rowCount,
  ]),
);
const store = new FileStore(folder, async (path) => rowCounts.get((await fs.stat(path)).size)!);
await store.commitIngest(ingest, files);
console.log(calls());
