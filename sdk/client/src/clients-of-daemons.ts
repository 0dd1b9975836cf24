import { type Services, services, type TesseraClient } from './clients.ts';

/** Which daemon serves what, by the name that `TesseraClient` has it under; metadata serves the rest. */
const servedBy = {
  builds: 'scheduler',
  replication: 'scheduler',
  scaling: 'scheduler',
  operations: 'scheduler',
  queries: 'query',
  storage: 'storage',
  transfers: 'storage',
} as const satisfies Partial<Record<keyof Services, string>>;

/** Clients of daemons that are served apart. */
export interface DaemonClients {
  readonly metadata: TesseraClient;
  readonly scheduler?: TesseraClient;
  readonly query?: TesseraClient;
  readonly storage?: TesseraClient;
}

/** One client over daemons that are served apart; what a daemon that is not named serves is asked of metadata's. */
export function clientsOfDaemons(daemons: DaemonClients): TesseraClient {
  const client = {};
  for (const name of Object.keys(services) as (keyof Services)[]) {
    const daemon = name in servedBy ? servedBy[name as keyof typeof servedBy] : 'metadata';
    const from = daemons[daemon] ?? daemons.metadata;
    Object.defineProperty(client, name, { enumerable: true, get: () => from[name] });
  }
  return client as TesseraClient;
}
