import { parseArgs } from 'node:util';
import { daemonArguments, ownToken, runDaemon, transportOfArguments } from '@tessera/daemon';
import { runStorage } from './run-storage.ts';

/** Runs the storage daemon by itself until SIGINT or SIGTERM. With `--name` it registers itself as a storage node. */
const { values } = parseArgs({
  options: {
    ...daemonArguments,
    directory: { type: 'string', default: 'data/storage' },
    address: { type: 'string', default: '127.0.0.1:7430' },
    'memory-budget-bytes': { type: 'string' },
    /** Where the daemon registers itself, and asks who callers are where access is controlled. */
    metadata: { type: 'string', multiple: true },
    name: { type: 'string' },
    rack: { type: 'string' },
    capacity: { type: 'string' },
    'deep-storage': { type: 'string' },
    'transfer-bytes-per-second': { type: 'string' },
  },
});

await runDaemon('storage', values, async ({ log, meter, stack, drainTimeoutMs }) => {
  const { directory, address, name, rack, metadata, capacity } = values;
  const { 'memory-budget-bytes': budget, 'deep-storage': deepStorage } = values;
  const transferRate = values['transfer-bytes-per-second'];
  const config = {
    directory,
    ...(budget === undefined ? {} : { memoryBudgetBytes: Number(budget) }),
    ...(name === undefined ? {} : { name }),
    ...(rack === undefined ? {} : { rack }),
    ...(transferRate === undefined ? {} : { transferBytesPerSecond: Number(transferRate) }),
    ...(deepStorage === undefined ? {} : { deepStorage }),
    ...(capacity === undefined ? {} : { capacityBytes: Number(capacity) }),
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
