import { clientsBy, type TesseraClient } from '@tessera/client';
import { bindInProcess, type ServiceBinding, silentLogger } from '@tessera/daemon';

/** Clients of what a daemon in this process serves, without a socket. */
export function boundClient(services: readonly ServiceBinding[]): TesseraClient {
  const bind = ({ fullName }: { readonly fullName: string }) => {
    const found = services.find(({ definition }) => {
      return (definition as unknown as { readonly fullName: string }).fullName === fullName;
    });
    if (found === undefined) throw new Error(`${fullName} is not served here`);
    return bindInProcess(found, silentLogger);
  };
  return clientsBy(bind as unknown as Parameters<typeof clientsBy>[0]);
}
