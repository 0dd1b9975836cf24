import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { etcdProgram } from '../etcd/etcd.ts';
import { Authority, hasOpenSsl } from '../tls/authority.ts';
import { folderPrefix } from './abandoned.ts';
import {
  type CommandContext,
  commandOf,
  type DaemonKind,
  dataFolder,
  hostsOf,
  ports,
  type TlsPaths,
} from './daemon-commands.ts';
import { DaemonProcess } from './daemon-process.ts';
import { leadsEtcd } from './etcd-status.ts';
import { HostNetwork } from './host-network.ts';
import { SmallDisk } from './small-disk.ts';

export const hostCount = 3;
/** Of the user admin, who may do everything. */
export const adminPassword = 'the first one';
const diskMegabytes = { etcd: 128, storage: 64 } as const;

/** In the order in which each finds those that it needs. */
const kinds: readonly DaemonKind[] = ['etcd', 'metadata', 'storage', 'query', 'scheduler'];

/**
 * Three hosts in network namespaces, each with small disks of its own, and the platform on them as processes: three of
 * etcd and storage, two of metadata, scheduler and query. Disposing ends and removes everything.
 */
export class TestCluster implements AsyncDisposable {
  readonly network: HostNetwork;
  readonly folder: string;
  readonly daemons: readonly DaemonProcess[];
  /** What clients show and trust. */
  readonly tls: TlsPaths;
  readonly #disks: ReadonlyMap<string, SmallDisk>;
  readonly #stack: AsyncDisposableStack;

  /** Why there can be none here, `undefined` when there can. */
  static unusable(): string | undefined {
    if (etcdProgram() === undefined) return 'etcd is not installed';
    if (!hasOpenSsl) return 'openssl is not installed';
    return HostNetwork.unusable();
  }

  private constructor(
    parts: Pick<TestCluster, 'network' | 'folder' | 'daemons' | 'tls'>,
    disks: ReadonlyMap<string, SmallDisk>,
    stack: AsyncDisposableStack,
  ) {
    this.network = parts.network;
    this.folder = parts.folder;
    this.daemons = parts.daemons;
    this.tls = parts.tls;
    this.#disks = disks;
    this.#stack = stack;
  }

  static async start(): Promise<TestCluster> {
    await using stack = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), `${folderPrefix}${process.pid}-`));
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    const network = stack.use(new HostNetwork(hostCount));
    const { of: tlsOf, person: tls } = certificates(network, join(folder, 'tls'));
    const adminPasswordFile = join(folder, 'admin.txt');
    writeFileSync(adminPasswordFile, `${adminPassword}\n`);
    const context: CommandContext = {
      ...{ tlsOf, adminPasswordFile },
      folder,
      addressOf: (host) => network.address(host),
      on: (host) => network.on(host),
    };
    const disks = new Map<string, SmallDisk>();
    for (const kind of ['etcd', 'storage'] as const) {
      for (const host of hostsOf[kind]) {
        const disk = new SmallDisk(dataFolder(context, kind, host), diskMegabytes[kind]);
        disks.set(`${kind}-${host}`, stack.use(disk));
      }
    }
    const daemons = kinds.flatMap((kind) =>
      hostsOf[kind].map((host) => stack.use(new DaemonProcess(commandOf(context, kind, host)))),
    );
    for (const kind of kinds) {
      const these = daemons.filter(({ name }) => name.startsWith(`${kind}-`));
      for (const daemon of these) daemon.launch();
      await Promise.all(these.map((daemon) => daemon.untilReady()));
    }
    return new TestCluster({ network, folder, daemons, tls }, disks, stack.move());
  }

  /** Such as `query`, on host 2. */
  daemon(kind: DaemonKind, host: number): DaemonProcess {
    const name = `${kind}-${host}`;
    const found = this.daemons.find((daemon) => daemon.name === name);
    if (found === undefined) throw new Error(`There is no ${name}.`);
    return found;
  }

  /** Those of one kind. */
  all(kind: DaemonKind): readonly DaemonProcess[] {
    return hostsOf[kind].map((host) => this.daemon(kind, host));
  }

  /** Where a daemon listens. */
  address(kind: DaemonKind, host: number): string {
    return `${this.network.address(host)}:${ports[kind]}`;
  }

  addresses(kind: DaemonKind): readonly string[] {
    return hostsOf[kind].map((host) => this.address(kind, host));
  }

  /** The member of etcd that leads now, `undefined` while none does. */
  async etcdLeader(): Promise<DaemonProcess | undefined> {
    for (const host of hostsOf.etcd) {
      if (await leadsEtcd(this.address('etcd', host), this.tls)) return this.daemon('etcd', host);
    }
    return undefined;
  }

  disk(kind: 'etcd' | 'storage', host: number): SmallDisk {
    return this.#disks.get(`${kind}-${host}`)!;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** Certificates of kinds of daemons, which name every host, and of whoever is none. */
function certificates(network: HostNetwork, folder: string) {
  const authority = new Authority(folder);
  const hosts = Array.from({ length: hostCount }, (_, host) => `IP:${network.address(host)}`);
  const names = ['DNS:localhost', 'IP:127.0.0.1', ...hosts].join();
  const issue = (name: string, more = ''): TlsPaths => {
    return { ca: authority.ca, ...authority.issue(name, { names: `${names}${more}` }) };
  };
  const issued = kinds.map(
    (kind) => [kind, issue(kind, `,URI:urn:tessera:service:${kind}`)] as const,
  );
  const known = new Map<DaemonKind, TlsPaths>(issued);
  return { of: (kind: DaemonKind) => known.get(kind)!, person: issue('person') };
}
