import { parseArgs } from 'node:util';
import { isTesseraError, messageOf } from '@tessera/base';
import { jsonLogger, startServer, transportArguments, transportOfArguments } from '@tessera/daemon';
import { composeMetadata } from './composition.ts';

/** Runs the metadata daemon by itself until SIGINT or SIGTERM. */
const { values } = parseArgs({
  options: {
    ...transportArguments,
    file: { type: 'string', default: 'data/metadata.db' },
    address: { type: 'string', default: '127.0.0.1:7410' },
  },
});

try {
  const log = jsonLogger('metadata');
  const transport = transportOfArguments(values);
  await using stack = new AsyncDisposableStack();
  const store = { driver: 'sqlite', file: values.file } as const;
  const daemon = stack.use(await composeMetadata({ store }, { log }));
  const { address, services } = { address: values.address, services: daemon.services };
  const server = stack.use(await startServer({ address, transport, services, log }));
  log.info({ address: server.address, file: values.file }, 'metadata.started');
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  log.info({}, 'metadata.stopping');
} catch (error) {
  console.error(`${isTesseraError(error) ? error.reason : 'INTERNAL'}: ${messageOf(error)}`);
  process.exitCode = 1;
}
