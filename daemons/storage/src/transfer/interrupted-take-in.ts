/**
 * Run by a test in a process of its own: takes a file in piece by piece, and dies by SIGKILL right before or after a
 * given call that changes the file system. Arguments: folder, path in the store, content in hexadecimal, number of
 * the call (counted from 1), `before` or `after`. Without dying it prints how many calls there were.
 */
import { dieAtCall } from '../files/die-at-call.ts';

const [folder, file, hex, callNumber, moment] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
];
const calls = dieAtCall(Number(callNumber), moment);

const { FileStore } = await import('../files/file-store.ts');
const store = new FileStore(folder, async () => 0n);
const content = Buffer.from(hex, 'hex');
{
  await using incoming = await store.createIncoming();
  for (let i = 0; i < content.length; i += 100) await incoming.append(content.subarray(i, i + 100));
  await store.takeIn(file, incoming);
}
console.log(calls());
