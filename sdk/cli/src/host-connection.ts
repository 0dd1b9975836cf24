import { Code, isTesseraError, TesseraError } from '@tessera/base';
import { type Connection, connect } from '@tessera/client';
import type { metadata } from '@tessera/proto';
import type { CommandContext } from './context.ts';
import { transportOptionsOf } from './transport-options.ts';

/** `hosts/{host}` of an id or a name. */
export function hostName(host: string): string {
  return host.startsWith('hosts/') ? host : `hosts/${host}`;
}

export function getHost(context: CommandContext, host: string): Promise<metadata.Host> {
  return context.client.hosts.getHost({ name: hostName(host) });
}

/** A connection to the host daemon itself, whose address metadata knows. @throws HOST_NOT_FOUND, HOST_GONE. */
export async function connectToHost(context: CommandContext, id: string): Promise<Connection> {
  const host = await getHost(context, id);
  if (await isAlive(context, host)) return connectTo(context, host);
  throw new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'HOST_GONE',
    message: `${host.name} has sent no heartbeat lately: does its host daemon run? Processes on it may live on.`,
    metadata: { host: host.name, address: host.address },
  });
}

/** Without the token: hosts say by themselves where they are, so one could collect the tokens of others. */
export function connectTo({ options }: CommandContext, { address }: metadata.Host): Connection {
  return connect(address, { transport: transportOptionsOf(options) });
}

/** A host is alive while its lease is held. */
export async function isAlive(context: CommandContext, { lease }: metadata.Host): Promise<boolean> {
  try {
    await context.client.leases.getLease({ name: lease });
    return true;
  } catch (error) {
    if (isTesseraError(error, 'LEASE_NOT_FOUND')) return false;
    throw error;
  }
}
