import { clientsBy, type TesseraClient } from '@tessera/client';
import { bindInProcess, type ServiceBinding, silentLogger } from '@tessera/daemon';

/** Clients of what a daemon in this process serves, without a socket. */
export function boundClient(services: readonly ServiceBinding[]): TesseraClient {
  return clientsBy((({ fullName }: { readonly fullName: string }) => {
    // By name: a client may have a definition of its own of a service.
    const found = services.find(({ definition }) => nameOf(definition) === fullName)!;
    return bindInProcess(found, silentLogger);
  }) as Parameters<typeof clientsBy>[0]);
}

function nameOf(definition: unknown): string {
  return (definition as { readonly fullName: string }).fullName;
}
