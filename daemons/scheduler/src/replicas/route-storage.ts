import { storage } from '@tessera/proto';
import type { SchedulerClients } from '../clients.ts';

type StorageClient = SchedulerClients['storage'];
type Options = { readonly signal?: AbortSignal };
type Method = { readonly responseStream: boolean };
type Call = (request: object, options?: Options) => unknown;

/** The same clients, of which `storage` is found at each call. */
export function routeStorage(
  clients: SchedulerClients,
  storageOf: () => Promise<StorageClient>,
): SchedulerClients {
  const methods = Object.entries(storage.StorageServiceDefinition.methods) as [string, Method][];
  const routed = methods.map(([name, { responseStream }]) => {
    const callOf = async () => (await storageOf())[name as keyof StorageClient] as unknown as Call;
    const unary: Call = async (request, options) => (await callOf())(request, options);
    const stream: Call = async function* (request, options) {
      yield* (await callOf())(request, options) as AsyncIterable<unknown>;
    };
    return [name, responseStream ? stream : unary];
  });
  return Object.create(clients, { storage: { value: Object.fromEntries(routed) } });
}
