import { isTesseraError } from '@tessera/base';
import type { Connection, TesseraClient } from '@tessera/client';
import type { Registrant } from '@tessera/daemon';
import { metadata } from '@tessera/proto';
import { joinedTwice } from '../errors.ts';

/** How long another daemon may take to say who it is. */
const askTimeoutMs = 1_000;

/** A host registers itself as `hosts/{host}`; its machine holds the name and the lease. */
export function hostRegistrant(
  { hosts }: Pick<TesseraClient, 'hosts'>,
  describe: () => Promise<metadata.Host>,
  connectTo: (address: string) => Connection,
): Registrant<metadata.Host> {
  return {
    kind: 'host',
    takenReasons: ['HOST_NAME_TAKEN', 'HOST_JOINED_TWICE'],
    describe,
    write: async (host, signal) => {
      const registered = await find(hosts, host.name, signal);
      if (registered !== undefined && (await isTwin(registered, host, connectTo, signal))) {
        throw joinedTwice(host.name, registered.address);
      }
      return hosts.updateHost({ host, allowMissing: true }, { signal });
    },
    textOf: (host) => JSON.stringify(metadata.Host.toJSON(host)),
    holderOf: ({ machineId }) => machineId,
  };
}

async function find(
  hosts: TesseraClient['hosts'],
  name: string,
  signal: AbortSignal,
): Promise<metadata.Host | undefined> {
  try {
    return await hosts.getHost({ name }, { signal });
  } catch (error) {
    if (isTesseraError(error, 'HOST_NOT_FOUND')) return undefined;
    throw error;
  }
}

/**
 * Whether a daemon with the same identity lives elsewhere, as where a machine or its folder was copied. One that does not
 * answer, or does not say who it is, was an earlier life of this one.
 */
async function isTwin(
  registered: metadata.Host,
  own: metadata.Host,
  connectTo: (address: string) => Connection,
  over: AbortSignal,
): Promise<boolean> {
  if (registered.machineId !== own.machineId || registered.address === own.address) return false;
  const signal = AbortSignal.any([over, AbortSignal.timeout(askTimeoutMs)]);
  using other = connectTo(registered.address);
  try {
    const { host } = await other.host.getHost({}, { signal });
    return host?.name === own.name && host.machineId === own.machineId;
  } catch (error) {
    if (isTesseraError(error) || signal.aborted) return false;
    throw error;
  }
}
