/**
 * Run by a test in a process that may not write more than a few blocks into any file: what a full disk is to a
 * program. Pulls files, given as JSON, from an address. Arguments: folder, address, files. Prints the reason.
 */
import { composeStorage } from '../composition.ts';
import { boundClient } from '../testing/bound-client.ts';

const [directory, address, filesJson] = process.argv.slice(2) as [string, string, string];
const files = (
  JSON.parse(filesJson) as { readonly file: string; readonly fileDigest: string }[]
).map(({ file, fileDigest }) => ({ file, fileDigest }));
await using storage = await composeStorage({ directory });
const { transfers } = boundClient(storage.services);
const outcome = await Array.fromAsync(transfers.pullFiles({ files, sources: [address] })).then(
  () => 'pulled',
  (error: { readonly reason?: string; readonly message: string }) => error.reason ?? error.message,
);
console.log(outcome);
