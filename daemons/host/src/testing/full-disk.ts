/**
 * Run by a test in a process that may not write more than a few blocks into any file: what a full disk is to a
 * program. Argument: the directory of a host. Prints what came of it.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { clientsBy } from '@tessera/client';
import { bindInProcess, silentLogger } from '@tessera/daemon';
import { composeHost } from '../composition.ts';
import { upload } from './host-fixture.ts';

const [directory] = process.argv.slice(2) as [string];
await using composed = await composeHost({ name: 'h', directory });
const { host } = clientsBy(() => bindInProcess(composed.services[0]!, silentLogger) as never);
const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: { readonly reason?: string; readonly message: string }) =>
      error.reason ?? error.message,
  );

const put = await reasonOf(host.putArtifact(upload(randomBytes(1_000_000))));
const uploads = readdirSync(join(directory, 'artifacts/uploads'));
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
console.log(JSON.stringify({ put, uploads, verified, refused, running, missing }));
