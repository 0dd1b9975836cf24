import { invariant } from '@tessera/base';
import { clientsBy, type TesseraClient } from '@tessera/client';
import { bindInProcess, type Logger, type ServiceBinding } from '@tessera/daemon';

/**
 * The services of all daemons of this process. A daemon gets `client` before its neighbours exist: each service is
 * looked up when it is first used.
 */
export class ServiceDirectory {
  readonly #bindings = new Map<string, ServiceBinding>();
  readonly client: TesseraClient;

  constructor(log: Logger) {
    this.client = clientsBy((definition) => {
      const name = fullName(definition);
      const binding = this.#bindings.get(name);
      invariant(binding, `${name} is served by a daemon of this process`);
      return bindInProcess(binding, log) as never;
    });
  }

  add(bindings: readonly ServiceBinding[]): void {
    for (const binding of bindings) this.#bindings.set(fullName(binding.definition), binding);
  }

  get all(): readonly ServiceBinding[] {
    return [...this.#bindings.values()];
  }
}

function fullName(definition: unknown): string {
  return (definition as { readonly fullName: string }).fullName;
}
