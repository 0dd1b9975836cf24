import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '@tessera/base';
import { daemonArguments, runDaemon, startServer, transportOfArguments } from '@tessera/daemon';
import { composeMetadata } from './composition.ts';
import { parseMetadataConfig } from './config.ts';
import { configInvalid } from './errors.ts';

/** Runs the metadata daemon by itself until SIGINT or SIGTERM. */
const { values } = parseArgs({
  options: {
    ...daemonArguments,
    /** A JSON file as docs/reference/configuration.md describes it. */
    config: { type: 'string' },
    /** Instead of a configuration: the file of a SQLite store. */
    file: { type: 'string', default: 'data/metadata.db' },
    address: { type: 'string', default: '127.0.0.1:7410' },
  },
});

await runDaemon('metadata', values, async ({ log, meter, stack, drainTimeoutMs }) => {
  const transport = transportOfArguments(values);
  const config = readConfig();
  const { services, isHealthy } = stack.use(await composeMetadata(config, { log, meter }));
  const { address } = values;
  const server = stack.use(
    await startServer({ address, transport, services, isHealthy, log, drainTimeoutMs }),
  );
  return { address: server.address, store: config.store.driver };
});

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
