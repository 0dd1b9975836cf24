import { parseArgs } from 'node:util';
import { connect } from '@tessera/client';
import {
  controlByMetadata,
  daemonArguments,
  ownToken,
  runDaemon,
  startServer,
  transportOfArguments,
} from '@tessera/daemon';
import { composeStorage } from './composition.ts';

/** Runs the storage daemon by itself until SIGINT or SIGTERM. */
const { values } = parseArgs({
  options: {
    ...daemonArguments,
    directory: { type: 'string', default: 'data/storage' },
    address: { type: 'string', default: '127.0.0.1:7430' },
    /** Asked who callers are, where access is controlled. */
    metadata: { type: 'string', default: '127.0.0.1:7410' },
    'memory-budget-bytes': { type: 'string' },
  },
});

await runDaemon('storage', values, async ({ log, meter, stack }) => {
  const budget = values['memory-budget-bytes'];
  const { directory, address } = values;
  const config = {
    directory,
    ...(budget === undefined ? {} : { memoryBudgetBytes: Number(budget) }),
  };
  const transport = transportOfArguments(values);
  const { services } = stack.use(await composeStorage(config, { log, meter }));
  const client = stack.use(connect(values.metadata, { transport, ...ownToken(values) }));
  const control = controlByMetadata(values, client, 'storage', stack);
  const server = stack.use(await startServer({ address, transport, services, log, ...control }));
  return { address: server.address, directory };
});
