import { resolve } from 'node:path';
import {
  daemonArguments,
  optionsOf,
  ownToken,
  runDaemon,
  transportOfArguments,
} from '@tessera/daemon';
import { runStorage } from './run-storage.ts';
import { numberOptions, numberSettings } from './storage-options.ts';

/** Runs the storage daemon by itself until SIGINT or SIGTERM. With `--name` it registers itself as a storage node. */
const values = optionsOf('storage', {
  ...daemonArguments,
  directory: { type: 'string', default: 'data/storage' },
  address: { type: 'string', default: '127.0.0.1:7430' },
  ...numberOptions,
  /** Where the daemon registers itself, and asks who callers are where access is controlled. */
  metadata: { type: 'string', multiple: true },
  name: { type: 'string' },
  rack: { type: 'string' },
  'deep-storage': { type: 'string' },
});

await runDaemon('storage', values, async ({ log, meter, stack, drainTimeoutMs }) => {
  const { address, name, rack, metadata } = values;
  // Whoever builds is told of paths below it, and may work in another folder.
  const directory = resolve(values.directory);
  const { 'deep-storage': deepStorage } = values;
  const config = {
    directory,
    ...numberSettings(values),
    ...(name === undefined ? {} : { name }),
    ...(rack === undefined ? {} : { rack }),
    ...(deepStorage === undefined ? {} : { deepStorage }),
  };
  const addresses = {
    address,
    transport: transportOfArguments(values),
    ...ownToken(values),
    access: values,
    drainTimeoutMs,
    ...(metadata === undefined ? {} : { metadataAddress: metadata }),
  };
  const running = stack.use(await runStorage(config, addresses, log, meter));
  return { address: running.address, directory };
});
