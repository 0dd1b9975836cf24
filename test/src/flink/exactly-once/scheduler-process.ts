import { join } from 'node:path';
import { clientsOfDaemons, connect } from '@tessera/client';
import { silentLogger } from '@tessera/daemon';
import { FlinkRestClient } from '@tessera/flink-rest';
import { composeScheduler, schedulerDefaults } from '@tessera/scheduler';
import { between, type Moment, watched } from '../../lifecycle/between.ts';
import { keepsDecision, nameOf, statusOf, steps, writesStatus } from './moments.ts';
import type { Stop } from './stoppable-scheduler.ts';

/** A scheduler that stops at the moment that its parent process tells it, until it is told to go on; started by stoppable-scheduler.ts. */
const [metadata = '', folder = ''] = process.argv.slice(2);
let stop: Stop | undefined;
let held = Promise.withResolvers<void>();
process.on('message', (told: Stop | 'go on') => {
  if (told === 'go on') held.resolve();
  else stop = told;
});
process.on('disconnect', () => process.exit());

/** The version that is carried out, as far as it was written. */
let version = 0n;

async function happens(moment: Moment): Promise<void> {
  version = statusOf(moment)?.version ?? version;
  if (stop === undefined || nameOf(moment) !== stop.moment || version <= BigInt(stop.above)) return;
  stop = undefined;
  held = Promise.withResolvers();
  process.send!('reached');
  await held.promise;
}

const daemon = connect(metadata);
const clients = clientsOfDaemons({ metadata: daemon, storage: daemon, query: daemon });
const config = {
  ...schedulerDefaults,
  leaseTtlMs: 1_000,
  flinkIntervalMs: 200,
  maintenanceIntervalMs: 0,
  deploymentIntervalMs: 0,
  replicaIntervalMs: 0,
  workDirectory: join(folder, 'scheduler'),
};
const scheduler = await composeScheduler(config, {
  clients: between(clients, [writesStatus, keepsDecision], happens),
  connectFlink: (url) => watched(new FlinkRestClient({ url }), { calls: steps, happens }),
  log: silentLogger,
});
scheduler.start();
process.send!('started');
