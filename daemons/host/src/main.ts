import { parseArgs } from 'node:util';
import {
  daemonArguments,
  numberArgument,
  ownToken,
  runDaemon,
  transportOfArguments,
} from '@tessera/daemon';
import { runHost } from './run-host.ts';

/** Runs the host daemon by itself until SIGINT or SIGTERM. `--metadata` may name several that serve the same. */
const { values } = parseArgs({
  options: {
    ...daemonArguments,
    name: { type: 'string' },
    directory: { type: 'string', default: 'data/host' },
    address: { type: 'string', default: '127.0.0.1:7450' },
    /** Where others reach it, when that is not `--address`. */
    advertise: { type: 'string' },
    /** Seconds without metadata before it ends what is to end then. */
    'cut-off-after': { type: 'string' },
    metadata: { type: 'string', multiple: true, default: ['127.0.0.1:7410'] },
  },
});

await runDaemon('host', values, async ({ log, meter, stack, drainTimeoutMs }) => {
  const transport = transportOfArguments(values);
  const { name = '', directory, address, advertise, metadata: metadataAddress } = values;
  const own = { transport, ...ownToken(values) };
  const seconds = numberArgument('cut-off-after', values['cut-off-after'], { min: 1, max: 3_600 });
  const config = { name, directory, ...(seconds && { cutOffAfterMs: seconds * 1_000 }) };
  const reached = advertise === undefined ? {} : { advertise };
  const serving = { address, ...reached, access: values, drainTimeoutMs };
  const addresses = { ...serving, metadataAddress, ...own, meter };
  const host = stack.use(await runHost(config, addresses, log));
  return { address: host.address, directory };
});
