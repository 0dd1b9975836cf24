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
    metadata: { type: 'string', multiple: true, default: ['127.0.0.1:7410'] },
  },
});

await runDaemon('host', values, async ({ log, stack, drainTimeoutMs }) => {
  const transport = transportOfArguments(values);
  const { name = '', directory, address, metadata: metadataAddress } = values;
  const own = { transport, ...ownToken(values) };
  const addresses = { address, metadataAddress, ...own, access: values, drainTimeoutMs };
  const host = stack.use(await runHost({ name, directory }, addresses, log));
  return { address: host.address, directory };
});
