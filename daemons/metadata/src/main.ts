import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '@tessera/base';
import {
  controlBy,
  daemonArguments,
  isControlled,
  runDaemon,
  startServer,
  transportOfArguments,
} from '@tessera/daemon';
import { ensureFirstUser } from './access/first-user.ts';
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
    /** Password of the first user, admin, of a new platform whose access is controlled. */
    'admin-password-file': { type: 'string' },
  },
});

await runDaemon('metadata', values, async ({ log, meter, stack }) => {
  const transport = transportOfArguments(values);
  const config = readConfig();
  const metadata = stack.use(await composeMetadata(config, { log, meter }));
  if (isControlled(values)) await ensureFirstUser(metadata, adminPassword());
  const { services, authenticator } = metadata;
  const control = controlBy(values, (token) => authenticator.identityOf(token), 'metadata', stack);
  const { address } = values;
  const server = stack.use(await startServer({ address, transport, services, log, ...control }));
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
  let input: unknown;
  try {
    input = JSON.parse(readFileSync(values.config, 'utf8'));
  } catch (error) {
    throw configInvalid([{ field: values.config, description: messageOf(error) }]);
  }
  return parseMetadataConfig(input);
}
