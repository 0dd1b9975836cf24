import { AsyncLocalStorage } from 'node:async_hooks';
import type { KeyValueStore, TransactionRequest, TransactionResult } from '@tessera/base';
import type { TesseraClient } from '@tessera/client';
import type { coordination } from '@tessera/proto';
import {
  remoteClients as clientsOver,
  type Host,
  type Life,
  type Network,
  type ServingHost,
} from '@tessera/testkit/simulation';

/** The fence of the call that is being served: says to the store by whose right it is asked to write. */
const served = new AsyncLocalStorage<coordination.Fence | undefined>();

/** Clients of one life, over the network; `route` says where a call of a service goes this time. */
export function remoteClients(
  network: Network,
  from: Life,
  route: (service: keyof TesseraClient) => ServingHost,
): TesseraClient {
  const serving = <T>(request: { readonly fence?: coordination.Fence }, serve: () => T) =>
    served.run(request.fence, serve);
  return clientsOver(network, from, { route, serving });
}

export interface StoreHost extends Host {
  readonly store: KeyValueStore;
}

/** Hears of each transaction that changed something for somebody who acts by a fence. */
export type Written = (fence: coordination.Fence, revision: bigint) => void;

/** The store as a metadata daemon reaches it. */
export function remoteStore(
  network: Network,
  from: Life,
  host: StoreHost,
  written: Written,
): KeyValueStore {
  const { store } = host;
  const call = <T>(work: () => Promise<T>) => network.call(from, host, work, undefined);
  return {
    status: () => call(() => store.status()),
    get: (key, options) => call(() => store.get(key, options)),
    list: (range, options) => call(() => store.list(range, options)),
    transaction: (request) => {
      const fence = served.getStore();
      return call(async () => {
        const result = await store.transaction(request);
        if (fence !== undefined && changed(request, result)) written(fence, result.revision);
        return result;
      });
    },
    watch: (range, options) => {
      const open = (signal: AbortSignal) => store.watch(range, { ...options, signal });
      return network.stream(from, host, open, options.signal);
    },
    compact: (revision) => call(() => store.compact(revision)),
    grantLease: (ttlMs) => call(() => store.grantLease(ttlMs)),
    keepLeaseAlive: (id) => call(() => store.keepLeaseAlive(id)),
    leaseStatus: (id) => call(() => store.leaseStatus(id)),
    revokeLease: (id) => call(() => store.revokeLease(id)),
    statistics: () => call(() => store.statistics()),
    close: async () => {},
  };
}

function changed(request: TransactionRequest, { succeeded }: TransactionResult): boolean {
  return succeeded && request.success.some(({ op }) => op !== 'get');
}
