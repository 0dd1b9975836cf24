import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@tessera/client';
import {
  controlByMetadata,
  daemonArguments,
  optionsOf,
  ownToken,
  runDaemon,
  startServer,
  transportOfArguments,
} from '@tessera/daemon';
import { storageClients } from './broadcast/storage-clients.ts';
import { composeQuery } from './composition.ts';

/**
 * Runs the query daemon by itself until SIGINT or SIGTERM. `--metadata` may name several that serve the same. `--storage` may
 * stand several times; without it storage nodes are found in metadata, also those that join later.
 */
const values = optionsOf('query', {
  ...daemonArguments,
  metadata: { type: 'string', multiple: true, default: ['127.0.0.1:7410'] },
  storage: { type: 'string', multiple: true, default: [] },
  address: { type: 'string', default: '127.0.0.1:7412' },
  work: { type: 'string', default: join(tmpdir(), 'tessera-query') },
});

await runDaemon('query', values, async ({ log, meter, stack, drainTimeoutMs }) => {
  const transport = transportOfArguments(values);
  const own = { transport, ...ownToken(values) };
  const client = stack.use(connect(values.metadata, own));
  const addresses = [...new Set(values.storage)];
  const oneOfSeveral = addresses.length > 1;
  const storages = addresses.map((address) =>
    stack.use(connect(address, { ...own, oneOfSeveral })),
  );
  const storage = storages.length === 0 ? {} : storageClients(storages);
  const config = { workDirectory: values.work, pluginDirectory: process.cwd() };
  const query = await composeQuery(config, {
    client,
    ...storage,
    nodeConnections: { transport },
    log,
    meter,
  });
  const { services } = stack.use(query);
  const { address } = values;
  const control = controlByMetadata(values, client, 'query', stack);
  const server = stack.use(
    await startServer({ address, transport, services, log, drainTimeoutMs, ...control }),
  );
  return { address: server.address };
});
