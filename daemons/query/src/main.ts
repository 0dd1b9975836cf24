import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isTesseraError, messageOf } from '@tessera/base';
import { connect } from '@tessera/client';
import { jsonLogger, startServer, transportArguments, transportOfArguments } from '@tessera/daemon';
import { storageClients } from './broadcast/storage-clients.ts';
import { composeQuery } from './composition.ts';

/** Runs the query daemon by itself until SIGINT or SIGTERM. `--storage` may stand several times. */
const { values } = parseArgs({
  options: {
    ...transportArguments,
    metadata: { type: 'string', default: '127.0.0.1:7410' },
    storage: { type: 'string', multiple: true, default: ['127.0.0.1:7411'] },
    address: { type: 'string', default: '127.0.0.1:7412' },
    work: { type: 'string', default: join(tmpdir(), 'tessera-query') },
  },
});

try {
  const log = jsonLogger('query');
  const transport = transportOfArguments(values);
  await using stack = new AsyncDisposableStack();
  const client = stack.use(connect(values.metadata, { transport }));
  const storages = [...new Set(values.storage)].map((address) =>
    stack.use(connect(address, { transport })),
  );
  const { scanner, snapshots } = storageClients(storages);
  const config = { workDirectory: values.work, pluginDirectory: process.cwd() };
  const { services } = stack.use(await composeQuery(config, { client, scanner, snapshots, log }));
  const server = stack.use(
    await startServer({ address: values.address, transport, services, log }),
  );
  log.info({ address: server.address }, 'query.started');
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  log.info({}, 'query.stopping');
} catch (error) {
  console.error(`${isTesseraError(error) ? error.reason : 'INTERNAL'}: ${messageOf(error)}`);
  process.exitCode = 1;
}
