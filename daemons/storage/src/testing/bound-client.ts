import { clientsBy, type TesseraClient } from '@tessera/client';
import { bindInProcess, type ServiceBinding, silentLogger } from '@tessera/daemon';

/** Clients of what a daemon in this process serves, without a socket. */
export function boundClient(services: readonly ServiceBinding[]): TesseraClient {
  return clientsBy(((definition: unknown) => {
    const found = services.find((service) => service.definition === definition)!;
    return bindInProcess(found, silentLogger);
  }) as Parameters<typeof clientsBy>[0]);
}
