import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, connect } from '@tessera/client';
import { silentLogger, startServer } from '@tessera/daemon';
import { composeMetadata } from '@tessera/metadata';

/** Metadata that is served on loopback, and a folder for files that commands are given. */
export interface MetadataInMemory {
  readonly folder: string;
  readonly address: string;
  readonly client: Connection;
}

/** @param stack whose disposal ends all of it */
export async function metadataInMemory(stack: AsyncDisposableStack): Promise<MetadataInMemory> {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-flink-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const { services } = stack.use(await composeMetadata({ store: { driver: 'memory' } }));
  const server = await startServer({ address: '127.0.0.1:0', services, log: silentLogger });
  const { address } = stack.use(server);
  return { folder, address, client: stack.use(connect(address)) };
}
