/**
 * `node daemon-entry.ts storage|scheduler SETTINGS`: a storage node or a scheduler whose clocks run faster than by its own
 * command. SETTINGS is JSON. Prints its address.
 */
import { clientsOfDaemons, connect } from '@tessera/client';
import { silentLogger as log, startServer } from '@tessera/daemon';
import { composeScheduler, schedulerDefaults } from '@tessera/scheduler';
import { runStorage } from '@tessera/storage';

export interface EntrySettings {
  readonly metadata: string;
  /** The configuration of the daemon, over its defaults. */
  readonly config: Readonly<Record<string, unknown>>;
}

const [kind, settings] = process.argv.slice(2) as [string, string];
const { metadata, config } = JSON.parse(settings) as EntrySettings;

async function started(): Promise<string> {
  if (kind === 'storage') {
    const addresses = { address: '127.0.0.1:0', metadataAddress: metadata };
    return (await runStorage({ directory: '', ...config }, addresses, log)).address;
  }
  const clients = clientsOfDaemons({ metadata: connect(metadata) });
  const settled = { ...schedulerDefaults, workDirectory: '', ...config };
  const scheduler = await composeScheduler(settled, { clients, log });
  const { services } = scheduler;
  const server = await startServer({ address: '127.0.0.1:0', services, log });
  scheduler.start();
  return server.address;
}

console.log(`{"address":"${await started()}"}`);
