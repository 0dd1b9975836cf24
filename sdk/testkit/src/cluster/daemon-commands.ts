import { mkdirSync, writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import type { DaemonCommand } from './daemon-process.ts';

export type DaemonKind = 'etcd' | 'metadata' | 'storage' | 'query' | 'scheduler';

/** Which daemons run on which of three hosts: whichever host is lost, one of each kind is left, and two of etcd. */
export const hostsOf: Readonly<Record<DaemonKind, readonly number[]>> = {
  etcd: [0, 1, 2],
  metadata: [0, 1],
  storage: [0, 1, 2],
  query: [0, 2],
  scheduler: [1, 2],
};

/** Storage daemons that hold each segment. */
export const replication = 2;

/** What is retired is kept longer than a question may take, and not as long as a test would have to wait. */
const retiredGraceSeconds = 10;

export const ports = {
  etcd: 2379,
  etcdPeer: 2380,
  metadata: 7410,
  storage: 7430,
  query: 7412,
  scheduler: 7420,
} as const;

export interface TlsPaths {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface CommandContext {
  /** Of one run; each host has a folder in it. */
  readonly folder: string;
  readonly addressOf: (host: number) => string;
  /** What stands before a command to run it on a host. */
  readonly on: (host: number) => readonly string[];
  /** Of each daemon its own, by which the others know what it may do. */
  readonly tlsOf: (daemon: string) => TlsPaths;
  /** What every daemon's process is given besides. */
  readonly environment: Readonly<Record<string, string>>;
  /** First line: the password of the user admin. */
  readonly adminPasswordFile: string;
}

/** The sources of this repository, which the daemons run from. */
const root = join(import.meta.dirname, '..', '..', '..', '..');
const readyTimeoutMs = 1_000;

export function hostFolder({ folder }: Pick<CommandContext, 'folder'>, host: number): string {
  return join(folder, `host-${host}`);
}

/** Where etcd or a storage daemon keeps what it keeps. */
export function dataFolder(context: CommandContext, kind: 'etcd' | 'storage', host: number) {
  return join(hostFolder(context, host), kind);
}

/** Such as `storage-1`. */
export function daemonName(kind: DaemonKind, host: number): string {
  return `${kind}-${host}`;
}

/** How a daemon is run on a host. Everybody is found over the network; nothing is shared but sources of data. */
export function commandOf(context: CommandContext, kind: DaemonKind, host: number): DaemonCommand {
  const folder = hostFolder(context, host);
  mkdirSync(folder, { recursive: true });
  const argv = kind === 'etcd' ? etcdArgv(context, host) : daemonArgv(context, kind, host);
  return {
    name: daemonName(kind, host),
    host,
    argv: [...context.on(host), ...argv],
    logFile: join(folder, `${kind}.log`),
    environment: {
      UV_THREADPOOL_SIZE: '8',
      NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled'),
      ...context.environment,
    },
    isReady: () => isListening(context.addressOf(host), ports[kind]),
  };
}

function etcdArgv(context: CommandContext, host: number): readonly string[] {
  const url = (of: number, port: number) => `https://${context.addressOf(of)}:${port}`;
  const members = hostsOf.etcd.map((each) => `n${each}=${url(each, ports.etcdPeer)}`);
  const [client, peer] = [url(host, ports.etcd), url(host, ports.etcdPeer)];
  return [
    ...[
      'etcd',
      '--name',
      `n${host}`,
      '--data-dir',
      join(dataFolder(context, 'etcd', host), 'data'),
    ],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
    ...['--initial-cluster', members.join(), '--initial-cluster-state', 'new'],
    ...['--initial-cluster-token', context.folder, '--snapshot-count', '20000'],
    ...etcdTls(context, host),
    ...['--max-txn-ops', '2048', '--max-request-bytes', `${10 * 1024 * 1024}`],
    ...['--logger', 'zap', '--log-level', 'error'],
  ];
}

function etcdTls({ tlsOf }: CommandContext, host: number): readonly string[] {
  const { ca, cert, key } = tlsOf(daemonName('etcd', host));
  return [
    ...['--cert-file', cert, '--key-file', key, '--trusted-ca-file', ca, '--client-cert-auth'],
    ...['--peer-cert-file', cert, '--peer-key-file', key, '--peer-trusted-ca-file', ca],
    '--peer-client-cert-auth',
  ];
}

function daemonArgv(
  context: CommandContext,
  kind: Exclude<DaemonKind, 'etcd'>,
  host: number,
): readonly string[] {
  const tls = context.tlsOf(daemonName(kind, host));
  const folder = hostFolder(context, host);
  const all = (other: 'metadata' | 'query') =>
    hostsOf[other].map((at) => `${context.addressOf(at)}:${ports[other]}`).join();
  const work = ['--work', join(folder, kind)];
  // All these hosts have one name, that of this machine, so a scheduler is told which storage daemon is beside it.
  const flags: Readonly<Record<typeof kind, () => readonly string[]>> = {
    metadata: () => [
      ...['--config', metadataConfig(context, host)],
      ...['--admin-password-file', context.adminPasswordFile],
    ],
    storage: () => [
      ...['--metadata', all('metadata'), '--name', `storage-${host}`, '--rack', `rack-${host}`],
      ...['--directory', dataFolder(context, 'storage', host)],
    ],
    query: () => ['--metadata', all('metadata'), ...work],
    scheduler: () => [
      ...['--metadata', all('metadata'), '--query', all('query')],
      ...['--build-node', `storage-${host}`, '--replication', String(replication), ...work],
      ...['--retired-grace', String(retiredGraceSeconds)],
    ],
  };
  return [
    ...[process.execPath, '--conditions=tessera-source', '--disable-warning=ExperimentalWarning'],
    join(root, 'daemons', kind, 'src', 'main.ts'),
    ...['--address', `${context.addressOf(host)}:${ports[kind]}`],
    ...['--access', 'controlled', '--audit', join(folder, 'audit')],
    ...['--tls-ca', tls.ca, '--tls-cert', tls.cert, '--tls-key', tls.key],
    ...flags[kind](),
  ];
}

function metadataConfig(context: CommandContext, host: number): string {
  const file = join(hostFolder(context, host), 'metadata.json');
  const endpoints = hostsOf.etcd.map((each) => `https://${context.addressOf(each)}:${ports.etcd}`);
  const tls = context.tlsOf(daemonName('metadata', host));
  const { ca: caFile, cert: certificateFile, key: keyFile } = tls;
  const store = { driver: 'etcd', endpoints, tls: { caFile, certificateFile, keyFile } };
  writeFileSync(file, JSON.stringify({ store }));
  return file;
}

function isListening(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket({ host, port, timeout: readyTimeoutMs });
    const end = (listens: boolean) => {
      socket.destroy();
      resolve(listens);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}
