import { silentLogger, startServer } from '@tessera/daemon';
import { composeMetadata } from '@tessera/metadata';

/** Metadata in memory, served until the stack is disposed; gives its address. */
export async function startMetadata(stack: AsyncDisposableStack): Promise<string> {
  const { services } = stack.use(await composeMetadata({ store: { driver: 'memory' } }));
  const options = { address: '127.0.0.1:0', services, log: silentLogger, drainTimeoutMs: 1 };
  return stack.use(await startServer(options)).address;
}
