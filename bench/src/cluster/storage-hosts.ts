import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type DaemonProcess, startDaemon } from '../daemon-process.ts';
import type { BridgeNetwork } from './bridge-network.ts';
import { copySegments } from './copy-segments.ts';

const storagePort = 7430;
const memoryBudgetBytes = 512 * 1024 * 1024;

export interface Cluster extends AsyncDisposable {
  readonly query: DaemonProcess;
  /** Addresses of the storage daemons, by host. */
  readonly storages: readonly string[];
}

/**
 * A storage daemon on each host of the network with its share of what `stored` holds, and on this machine a query
 * daemon over them, with the metadata of a platform that runs already.
 */
export async function startCluster(parts: {
  readonly network: BridgeNetwork;
  readonly hostCount: number;
  readonly directory: string;
  readonly metadata: string;
  readonly stored: { readonly directory: string; readonly cubePath: string };
}): Promise<Cluster> {
  const { network, hostCount, directory, metadata } = parts;
  const hosts = Array.from({ length: hostCount }, (_, host) => host);
  const folders = hosts.map((host) => join(directory, `storage-${host}`));
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  copySegments(parts.stored, folders);
  await using stack = new AsyncDisposableStack();
  const storages = await Promise.all(
    hosts.map(async (host) => {
      const address = `${network.address(host)}:${storagePort}`;
      const budget = ['--memory-budget-bytes', String(memoryBudgetBytes)];
      const args = ['--directory', folders[host]!, '--address', address, '--insecure', ...budget];
      stack.use(await startDaemon('storage', args, network.wrap(host)));
      return address;
    }),
  );
  const query = stack.use(
    await startDaemon('query', [
      ...['--metadata', metadata, '--address', '127.0.0.1:0', '--insecure'],
      ...['--work', join(directory, 'query')],
      ...storages.flatMap((address) => ['--storage', address]),
    ]),
  );
  const started = stack.move();
  return { query, storages, [Symbol.asyncDispose]: () => started.disposeAsync() };
}
