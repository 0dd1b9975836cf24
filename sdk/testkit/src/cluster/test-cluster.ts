import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { etcdProgram } from '../etcd/etcd.ts';
import { hasOpenSsl } from '../tls/authority.ts';
import { folderPrefix } from './abandoned.ts';
import { type BadCertificate, Certificates } from './certificates.ts';
import {
  type CommandContext,
  commandOf,
  type DaemonKind,
  daemonName,
  dataFolder,
  hostsOf,
  ports,
  type TlsPaths,
} from './daemon-commands.ts';
import { DaemonProcess } from './daemon-process.ts';
import { leadsEtcd, leaseCountOfEtcd } from './etcd-status.ts';
import { HostNetwork } from './host-network.ts';
import { SmallDisk } from './small-disk.ts';

export const hostCount = 3;
/** Of the user admin, who may do everything. */
export const adminPassword = 'the first one';
/** Longer ones keep what is remembered for some time, such as ids of requests. */
const longestLeaseSeconds = 60;
const diskMegabytes = { etcd: 384, storage: 64 } as const;

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
  readonly #certificates: Certificates;
  readonly #disks: ReadonlyMap<string, SmallDisk>;
  readonly #stack: AsyncDisposableStack;

  /** Why there can be none here, `undefined` when there can. */
  static unusable(): string | undefined {
    if (etcdProgram() === undefined) return 'etcd is not installed';
    if (!hasOpenSsl) return 'openssl is not installed';
    return HostNetwork.unusable();
  }

  private constructor(
    parts: Pick<TestCluster, 'network' | 'folder' | 'daemons'>,
    certificates: Certificates,
    disks: ReadonlyMap<string, SmallDisk>,
    stack: AsyncDisposableStack,
  ) {
    this.network = parts.network;
    this.folder = parts.folder;
    this.daemons = parts.daemons;
    this.tls = certificates.ofPerson();
    this.#certificates = certificates;
    this.#disks = disks;
    this.#stack = stack;
  }

  /** @param environment what every daemon's process is given besides */
  static async start(environment: Readonly<Record<string, string>> = {}): Promise<TestCluster> {
    await using stack = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), `${folderPrefix}${process.pid}-`));
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    const network = stack.use(new HostNetwork(hostCount));
    const addresses = Array.from({ length: hostCount }, (_, host) => network.address(host));
    const certificates = new Certificates(join(folder, 'tls'), addresses);
    const adminPasswordFile = join(folder, 'admin.txt');
    writeFileSync(adminPasswordFile, `${adminPassword}\n`);
    const context: CommandContext = {
      ...{ adminPasswordFile, environment, folder },
      tlsOf: (daemon) => certificates.ofDaemon(daemon),
      addressOf: (host) => network.address(host),
      on: (host) => network.on(host),
    };
    const disks = new Map<string, SmallDisk>();
    for (const kind of ['etcd', 'storage'] as const) {
      for (const host of hostsOf[kind]) {
        const disk = new SmallDisk(dataFolder(context, kind, host), diskMegabytes[kind]);
        disks.set(daemonName(kind, host), stack.use(disk));
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
    const parts = { network, folder, daemons };
    return new TestCluster(parts, certificates, disks, stack.move());
  }

  /** Such as `query`, on host 2. */
  daemon(kind: DaemonKind, host: number): DaemonProcess {
    return this.named(daemonName(kind, host));
  }

  /** Such as `query-2`. */
  named(name: string): DaemonProcess {
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

  /** Leases by which daemons show that they live. @throws when no member of etcd says it */
  leaseCount(): Promise<number> {
    const granted = { tls: this.tls, grantedSeconds: longestLeaseSeconds };
    return leaseCountOfEtcd(this.addresses('etcd'), granted);
  }

  /** Of processes on the hosts: those that are no daemon of this cluster that runs. */
  strayProcesses(): readonly number[] {
    const own = new Set(this.daemons.map(({ pid }) => pid));
    const all = Array.from({ length: hostCount }, (_, host) => this.network.processes(host)).flat();
    return all.filter((pid) => !own.has(pid));
  }

  /** Puts a bad certificate in the place of a daemon's own; it is seen within a second, or when it starts again. */
  spoilCertificate(daemon: string, how: BadCertificate): void {
    this.#certificates.spoil(daemon, how);
  }

  renewCertificate(daemon: string): void {
    this.#certificates.renew(daemon);
  }

  disk(kind: 'etcd' | 'storage', host: number): SmallDisk {
    return this.#disks.get(daemonName(kind, host))!;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
