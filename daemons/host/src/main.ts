import { parseArgs } from 'node:util';
import { daemonArguments, ownToken, runDaemon, transportOfArguments } from '@tessera/daemon';
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
    metadata: { type: 'string', multiple: true, default: ['127.0.0.1:7410'] },
  },
});

await runDaemon('host', values, async ({ log, meter, stack, drainTimeoutMs }) => {
  const transport = transportOfArguments(values);
  const { name = '', directory, address, advertise, metadata: metadataAddress } = values;
  const own = { transport, ...ownToken(values) };
  const reached = advertise === undefined ? {} : { advertise };
  const serving = { address, ...reached, access: values, drainTimeoutMs };
  const addresses = { ...serving, metadataAddress, ...own, meter };
  const host = stack.use(await runHost({ name, directory }, addresses, log));
  return { address: host.address, directory };
});
