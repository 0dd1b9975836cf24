/**
 * Run by a test in a process that may not write more than a few blocks into any file: what a full disk is to a
 * program. Argument: the directory of a host. Prints what came of it.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Connection, clientsBy } from '@tessera/client';
import { bindInProcess, silentLogger } from '@tessera/daemon';
import { composeHost } from '../composition.ts';
import { digestOf, upload } from './host-fixture.ts';

const [directory] = process.argv.slice(2) as [string];
/** What another host would give: more than fits. */
const bytes = randomBytes(1_000_000);
async function* readArtifact() {
  for (let at = 0; at < bytes.length; at += 50_000) yield { data: bytes.subarray(at, at + 50_000) };
}
const peer = { host: { readArtifact }, [Symbol.dispose]: () => {} } as unknown as Connection;
await using composed = await composeHost({ name: 'h', directory }, { connectTo: () => peer });
const { host } = clientsBy(() => bindInProcess(composed.services[0]!, silentLogger) as never);
const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: { readonly reason?: string; readonly message: string }) =>
      error.reason ?? error.message,
  );

const put = await reasonOf(host.putArtifact(upload(bytes)));
const wanted = { name: `artifacts/${digestOf(bytes)}`, sizeBytes: 1_000_000n, sources: ['other'] };
let pulled = '';
while (pulled === '') {
  pulled = (await host.pullArtifact(wanted)).failureReason;
  await setTimeout(10);
}
// The last question has begun another attempt.
const pulls = join(directory, 'artifacts/pulls');
for (let i = 0; i < 1_000 && readdirSync(pulls).length > 0; i++) await setTimeout(10);
const uploads = [...readdirSync(join(directory, 'artifacts/uploads')), ...readdirSync(pulls)];
const { artifacts } = await host.listArtifacts({});
const verified = (await host.getArtifact({ name: artifacts[0]!.name, verify: true })).name;

/** Starts processes until the journal is full: those that were acknowledged are all in it. */
const acknowledged: string[] = [];
let refused: string | undefined;
for (let i = 0; refused === undefined && i < 100; i++) {
  const environment = { FILL: 'x'.repeat(20_000) };
  const spec = { argv: ['/bin/true'], environment };
  refused = await reasonOf(host.startProcess({ processId: `fill-${i}`, spec }));
  if (refused === undefined) acknowledged.push(`processes/fill-${i}`);
}
const { processes } = await host.listProcesses({ pageSize: 1000 });
const names = processes.map(({ name }) => name);
const missing = acknowledged.filter((name) => !names.includes(name));
const running = processes.find(({ name }) => name === 'processes/p')?.pid;
console.log(JSON.stringify({ put, pulled, uploads, verified, refused, running, missing }));
