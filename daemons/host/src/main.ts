import { parseArgs } from 'node:util';
import { isTesseraError, messageOf } from '@tessera/base';
import { jsonLogger, transportArguments, transportOfArguments } from '@tessera/daemon';
import { runHost } from './run-host.ts';

/** Runs the host daemon by itself until SIGINT or SIGTERM. */
const { values } = parseArgs({
  options: {
    ...transportArguments,
    name: { type: 'string' },
    directory: { type: 'string', default: 'data/host' },
    address: { type: 'string', default: '127.0.0.1:7450' },
    metadata: { type: 'string', default: '127.0.0.1:7410' },
  },
});

try {
  const log = jsonLogger('host');
  const transport = transportOfArguments(values);
  const { name = '', directory, address, metadata: metadataAddress } = values;
  await using host = await runHost(
    { name, directory },
    { address, metadataAddress, transport },
    log,
  );
  log.info({ address: host.address, directory }, 'host.started');
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  log.info({}, 'host.stopping');
} catch (error) {
  console.error(`${isTesseraError(error) ? error.reason : 'INTERNAL'}: ${messageOf(error)}`);
  process.exitCode = 1;
}
