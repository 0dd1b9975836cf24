import { readFileSync } from 'node:fs';
import {
  controlBy,
  daemonArguments,
  isControlled,
  optionsOf,
  runDaemon,
  startServer,
  transportOfArguments,
} from '@tessera/daemon';
import { ensureFirstUser } from './access/first-user.ts';
import { composeMetadata } from './composition.ts';
import { parseMetadataConfig } from './config.ts';
import { readJson } from './read-json.ts';

/** Runs the metadata daemon by itself until SIGINT or SIGTERM. */
const values = optionsOf('metadata', {
  ...daemonArguments,
  /** A JSON file as docs/reference/configuration.md describes it. */
  config: { type: 'string' },
  /** Instead of a configuration: the file of a SQLite store. */
  file: { type: 'string', default: 'data/metadata.db' },
  address: { type: 'string', default: '127.0.0.1:7410' },
  /** Password of the first user, admin, of a new platform whose access is controlled. */
  'admin-password-file': { type: 'string' },
});

await runDaemon('metadata', values, async ({ log, meter, stack, drainTimeoutMs }) => {
  const transport = transportOfArguments(values);
  const config = readConfig();
  const metadata = stack.use(await composeMetadata(config, { log, meter }));
  if (isControlled(values)) await ensureFirstUser(metadata, adminPassword());
  const { services, isHealthy, authenticator } = metadata;
  const control = controlBy(values, (token) => authenticator.identityOf(token), 'metadata', stack);
  const { address } = values;
  const serving = { address, transport, services, isHealthy, log, drainTimeoutMs, ...control };
  const server = stack.use(await startServer(serving));
  return { address: server.address, store: config.store.driver };
});

/** The first line: editors and echo end a file with a line break. */
function adminPassword(): string | undefined {
  const file = values['admin-password-file'];
  return file === undefined ? undefined : readFileSync(file, 'utf8').split(/\r?\n/)[0];
}

function readConfig() {
  if (values.config === undefined) {
    return parseMetadataConfig({ store: { driver: 'sqlite', file: values.file } });
  }
  return parseMetadataConfig(readJson(values.config));
}
