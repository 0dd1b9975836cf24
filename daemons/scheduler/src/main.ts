import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientsOfDaemons, connect } from '@tessera/client';
import {
  controlByMetadata,
  daemonArguments,
  numberArgument,
  optionsOf,
  ownToken,
  runDaemon,
  startServer,
  transportOfArguments,
} from '@tessera/daemon';
import { composeScheduler } from './composition.ts';
import { schedulerDefaults } from './config.ts';
import { parseQuotas } from './flink/parse-quotas.ts';

/**
 * Runs the scheduler daemon by itself until SIGINT or SIGTERM. `--metadata` and `--query` may name several. The storage
 * daemon that it builds through has to be on its own host, as engines write into that one's staging folders: where storage
 * daemons register as storage nodes it is the one of this host, or that of `--build-node`; else the one at `--storage`.
 */
const values = optionsOf('scheduler', {
  ...daemonArguments,
  metadata: { type: 'string', multiple: true, default: ['127.0.0.1:7410'] },
  storage: { type: 'string', default: '127.0.0.1:7430' },
  query: { type: 'string', multiple: true, default: ['127.0.0.1:7412'] },
  address: { type: 'string', default: '127.0.0.1:7420' },
  work: { type: 'string', default: join(tmpdir(), 'tessera-scheduler') },
  replication: { type: 'string', default: String(schedulerDefaults.replication) },
  'build-node': { type: 'string' },
  /** Seconds between two rounds of reading deep storage again; 0: it is not. */
  'deep-scrub-interval': { type: 'string' },
  /** How long retired segments and unused files are kept for readers that began before, seconds. */
  'retired-grace': { type: 'string' },
  /** What Flink clusters share that name it: NAME=slots:16,cpu:8,memory:32GiB, or only those that are bounded. */
  'flink-quota': { type: 'string', multiple: true },
});

await runDaemon('scheduler', values, async ({ log, meter, stack, drainTimeoutMs }) => {
  const transport = transportOfArguments(values);
  const own = { transport, ...ownToken(values) };
  const to = (address: string | readonly string[]) => stack.use(connect(address, own));
  const clients = clientsOfDaemons({
    metadata: to(values.metadata),
    storage: to(values.storage),
    query: to(values.query),
  });
  const { address, work: workDirectory } = values;
  const buildNode = values['build-node'];
  const deepScrubIntervalMs = milliseconds('deep-scrub-interval');
  const retiredGraceMs = milliseconds('retired-grace');
  const config = {
    ...schedulerDefaults,
    workDirectory,
    pluginDirectory: process.cwd(),
    replication: Number(values.replication),
    flinkQuotas: parseQuotas(values['flink-quota'] ?? []),
    ...(deepScrubIntervalMs === undefined ? {} : { deepScrubIntervalMs }),
    ...(retiredGraceMs === undefined ? {} : { retiredGraceMs }),
    ...(buildNode === undefined ? {} : { buildNode }),
  };
  const dependencies = { clients, transport, log, meter };
  const scheduler = stack.use(await composeScheduler(config, dependencies));
  const { services } = scheduler;
  const control = controlByMetadata(values, clients, 'scheduler', stack);
  const server = stack.use(
    await startServer({ address, transport, services, log, drainTimeoutMs, ...control }),
  );
  scheduler.start();
  return { address: server.address };
});

/** Of an option that is given in seconds. */
function milliseconds(option: 'deep-scrub-interval' | 'retired-grace'): number | undefined {
  const seconds = numberArgument(option, values[option], { min: 0, max: 2_147_483 });
  return seconds === undefined ? undefined : seconds * 1_000;
}
