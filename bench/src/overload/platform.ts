import { parseArgs } from 'node:util';
import { platformDefaults, startPlatform } from '@tessera/standalone';

/** A platform as `tessera up` runs it, with its door as it is or wide open. Run by the overload benchmark. */
const { values } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', default: '' },
    port: { type: 'string', default: '0' },
    open: { type: 'boolean', default: false },
  },
});
const unlimited = 1_000_000;
const query = values.open
  ? {
      maxRunningQueries: unlimited,
      heavyQueryMs: Number.MAX_VALUE,
      maxQueuedQueries: unlimited,
      maxQueuedPerUser: unlimited,
    }
  : {};
const platform = await startPlatform({
  ...platformDefaults,
  dataDirectory: values.data,
  address: `127.0.0.1:${values.port}`,
  query,
});
process.stdout.write(`The platform is up on ${platform.address};\n`);
process.once('SIGTERM', async () => {
  await platform[Symbol.asyncDispose]();
  process.exit();
});
