import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isTesseraError, messageOf } from '@tessera/base';
import { jsonLogger, startServer, transportArguments, transportOfArguments } from '@tessera/daemon';
import { composeMetadata } from './composition.ts';
import { parseMetadataConfig } from './config.ts';
import { configInvalid } from './errors.ts';

/** Runs the metadata daemon by itself until SIGINT or SIGTERM. */
const { values } = parseArgs({
  options: {
    ...transportArguments,
    /** A JSON file as docs/reference/configuration.md describes it. */
    config: { type: 'string' },
    /** Instead of a configuration: the file of a SQLite store. */
    file: { type: 'string', default: 'data/metadata.db' },
    address: { type: 'string', default: '127.0.0.1:7410' },
  },
});

try {
  const log = jsonLogger('metadata');
  const transport = transportOfArguments(values);
  const config = readConfig();
  await using stack = new AsyncDisposableStack();
  const daemon = stack.use(await composeMetadata(config, { log }));
  const { address, services } = { address: values.address, services: daemon.services };
  const server = stack.use(await startServer({ address, transport, services, log }));
  log.info({ address: server.address, store: config.store.driver }, 'metadata.started');
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  log.info({}, 'metadata.stopping');
} catch (error) {
  console.error(`${isTesseraError(error) ? error.reason : 'INTERNAL'}: ${messageOf(error)}`);
  process.exitCode = 1;
}

function readConfig() {
  if (values.config === undefined) {
    return parseMetadataConfig({ store: { driver: 'sqlite', file: values.file } });
  }
  let input: unknown;
  try {
    input = JSON.parse(readFileSync(values.config, 'utf8'));
  } catch (error) {
    throw configInvalid([{ field: values.config, description: messageOf(error) }]);
  }
  return parseMetadataConfig(input);
}
