import type { TesseraClient } from '@tessera/client';
import type { Registrant } from '@tessera/daemon';
import { metadata } from '@tessera/proto';

/** A host registers itself as `hosts/{host}`; its machine holds the name and the lease. */
export function hostRegistrant(
  { hosts }: Pick<TesseraClient, 'hosts'>,
  describe: () => Promise<metadata.Host>,
): Registrant<metadata.Host> {
  return {
    kind: 'host',
    takenReason: 'HOST_NAME_TAKEN',
    describe,
    write: (host, signal) => hosts.updateHost({ host, allowMissing: true }, { signal }),
    textOf: (host) => JSON.stringify(metadata.Host.toJSON(host)),
    holderOf: ({ machineId }) => machineId,
  };
}
