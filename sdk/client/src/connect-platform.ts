import { clientsOfDaemons, type DaemonClients } from './clients-of-daemons.ts';
import { type Connection, type ConnectOptions, connect } from './connect.ts';
import { badPlatformAddress } from './errors.ts';

const kinds = ['metadata', 'scheduler', 'query', 'storage'] as const;
type Kind = keyof DaemonClients & (typeof kinds)[number];

/**
 * Connects to a platform by what an operator writes on a command line: `host:port` where one process serves all of
 * it, or the daemons by kind, such as `metadata=a:7410,b:7410;scheduler=a:7420,b:7420;query=a:7412,b:7412`.
 * @throws BAD_PLATFORM_ADDRESS, and what `connect` throws
 */
export function connectPlatform(address: string, options: ConnectOptions = {}): Connection {
  if (!address.includes('=')) return connect(address, options);
  using starting = new DisposableStack();
  const daemons = new Map<Kind, Connection>();
  for (const [kind, addresses] of addressesByKind(address)) {
    daemons.set(kind, starting.use(connect(addresses, options)));
  }
  const clients = clientsOfDaemons(Object.fromEntries(daemons) as unknown as DaemonClients);
  const isServing: Connection['isServing'] = async (call) => {
    const each = await Promise.all([...daemons.values()].map((daemon) => daemon.isServing(call)));
    return each.every(Boolean);
  };
  const open = starting.move();
  const close = () => open.dispose();
  return Object.defineProperties({} as Connection, {
    ...Object.getOwnPropertyDescriptors(clients),
    address: { value: address },
    isServing: { value: isServing },
    close: { value: close },
    [Symbol.dispose]: { value: close },
  });
}

function addressesByKind(text: string): ReadonlyMap<Kind, string> {
  const found = new Map<Kind, string>();
  for (const part of text.split(';').filter((one) => one.trim() !== '')) {
    const [, name = '', addresses = ''] = /^\s*(\w+)\s*=(.*)$/.exec(part) ?? [];
    const kind = kinds.find((one) => one === name);
    if (kind === undefined || found.has(kind)) throw badPlatformAddress(part.trim());
    found.set(kind, addresses);
  }
  if (!found.has('metadata')) throw badPlatformAddress(text);
  return found;
}
