import { parseArgs } from 'node:util';
import { isTesseraError, messageOf } from '@tessera/base';
import { jsonLogger, startServer, transportArguments, transportOfArguments } from '@tessera/daemon';
import { composeStorage } from './composition.ts';

/** Runs the storage daemon by itself until SIGINT or SIGTERM. */
const { values } = parseArgs({
  options: {
    ...transportArguments,
    directory: { type: 'string', default: 'data/storage' },
    address: { type: 'string', default: '127.0.0.1:7430' },
    'memory-budget-bytes': { type: 'string' },
  },
});

try {
  const log = jsonLogger('storage');
  const budget = values['memory-budget-bytes'];
  const config = {
    directory: values.directory,
    ...(budget === undefined ? {} : { memoryBudgetBytes: Number(budget) }),
  };
  const transport = transportOfArguments(values);
  await using stack = new AsyncDisposableStack();
  const { services } = stack.use(await composeStorage(config, { log }));
  const server = stack.use(
    await startServer({ address: values.address, transport, services, log }),
  );
  log.info({ address: server.address, directory: values.directory }, 'storage.started');
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  log.info({}, 'storage.stopping');
} catch (error) {
  console.error(`${isTesseraError(error) ? error.reason : 'INTERNAL'}: ${messageOf(error)}`);
  process.exitCode = 1;
}
