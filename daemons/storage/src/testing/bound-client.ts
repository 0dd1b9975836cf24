import { clientsBy, type TesseraClient } from '@tessera/client';
import { bindInProcess, type ServiceBinding, silentLogger } from '@tessera/daemon';

/** Clients of what a daemon in this process serves, without a socket. */
export function boundClient(services: readonly ServiceBinding[]): TesseraClient {
  // By name: a client may have a definition of its own of a service.
  const bind = (wanted: unknown) => {
    const found = services.find(({ definition }) => nameOf(definition) === nameOf(wanted));
    if (found === undefined) throw new Error(`${nameOf(wanted)} is not served here`);
    return bindInProcess(found, silentLogger);
  };
  return clientsBy(bind as unknown as Parameters<typeof clientsBy>[0]);
}

function nameOf(definition: unknown): string {
  return (definition as { readonly fullName: string }).fullName;
}
