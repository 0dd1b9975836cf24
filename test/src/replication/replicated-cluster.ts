import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resourceIdOf } from '@tessera/base';
import {
  type Connection,
  clientsOfDaemons,
  connect,
  listAll,
  type TesseraClient,
} from '@tessera/client';
import { silentLogger, startServer } from '@tessera/daemon';
import { composeMetadata } from '@tessera/metadata';
import { metadata } from '@tessera/proto';
import { composeQuery } from '@tessera/query';
import { writeModel, writeSales } from '../lifecycle/sales.ts';
import { applyFile } from '../test-platform.ts';
import type { EntrySettings } from './daemon-entry.ts';

const entry = join(import.meta.dirname, 'daemon-entry.ts');
const flags = ['--conditions=tessera-source', '--disable-warning=ExperimentalWarning'];
const mega = 1024 * 1024;

/**
 * Metadata and a query daemon in this process; storage nodes and schedulers as processes of their own, which may be killed.
 * The clocks of all are fast.
 */
export class ReplicatedCluster implements AsyncDisposable {
  readonly folder: string;
  readonly #stack: AsyncDisposableStack;
  readonly #metadataAddress: string;
  readonly #metadata: Connection;
  readonly #query: TesseraClient;
  readonly #processes = new Map<string, ChildProcess>();
  #scheduler: Connection | undefined;

  private constructor(
    folder: string,
    stack: AsyncDisposableStack,
    metadataAddress: string,
    metadata: Connection,
    query: TesseraClient,
  ) {
    this.folder = folder;
    this.#stack = stack;
    this.#metadataAddress = metadataAddress;
    this.#metadata = metadata;
    this.#query = query;
  }

  static async open(): Promise<ReplicatedCluster> {
    await using stack = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), 'tessera-replicas-'));
    stack.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
    const serve = async (services: Parameters<typeof startServer>[0]['services']) =>
      stack.use(await startServer({ address: '127.0.0.1:0', services, log: silentLogger }));
    const store = stack.use(await composeMetadata({ store: { driver: 'memory' } }));
    const { address } = await serve(store.services);
    const client = stack.use(connect(address));
    const query = stack.use(
      await composeQuery({ workDirectory: join(folder, 'query') }, { client }),
    );
    const answering = stack.use(connect((await serve(query.services)).address));
    return new ReplicatedCluster(folder, stack.move(), address, client, answering);
  }

  /** Everything that is not of one storage node. */
  get client(): TesseraClient {
    const scheduler = this.#scheduler === undefined ? {} : { scheduler: this.#scheduler };
    return clientsOfDaemons({ metadata: this.#metadata, query: this.#query, ...scheduler });
  }

  async startNode(name: string): Promise<void> {
    const directory = join(this.folder, name);
    mkdirSync(directory, { recursive: true });
    const config = {
      ...{ directory, name, capacityBytes: 1_000 * mega, memoryBudgetBytes: 16 * mega },
      ...{ workMemoryBytes: 64 * mega, leaseTtlMs: 1_000, registrationIntervalMs: 500 },
      deepStorage: `file://${join(this.folder, 'deep')}`,
    };
    await this.#start(name, 'storage', { metadata: this.#metadataAddress, config });
  }

  /** The newest one that was started is asked for builds, whoever leads. */
  async startScheduler(name: string): Promise<void> {
    const config = {
      ...{ workDirectory: join(this.folder, name), buildMemoryBytes: 256 * mega },
      ...{ leaseTtlMs: 1_000, maintenanceIntervalMs: 500, retiredGraceMs: 2_000 },
      ...{ replicaIntervalMs: 100, storageLostAfterMs: 1_000, replicaCheckIntervalMs: 500 },
      ...{ deploymentIntervalMs: 0, maxReplicaCopies: 2, deepScrubIntervalMs: 200 },
    };
    const address = await this.#start(name, 'scheduler', {
      metadata: this.#metadataAddress,
      config,
    });
    this.#scheduler = this.#stack.use(connect(address));
  }

  async kill(name: string): Promise<void> {
    const child = this.#processes.get(name);
    this.#processes.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** The small shop, with its cube not built. */
  async applySales(months: number): Promise<void> {
    writeSales(this.folder, months);
    await applyFile(this.client, writeModel(this.folder));
  }

  async drain(node: string, draining: boolean): Promise<void> {
    const storageNode = { name: `storageNodes/${node}`, draining };
    await this.client.storageNodes.updateStorageNode({ storageNode, updateMask: ['draining'] });
  }

  async segments(): Promise<metadata.Segment[]> {
    const { resources } = await listAll(this.client, 'segments', { parent: 'projects/-/cubes/-' });
    const { SEGMENT_STATE_READY } = metadata.SegmentState;
    return resources.filter(({ state }) => state === SEGMENT_STATE_READY);
  }

  /** Ids of the nodes that segments, snapshots or dictionaries are recorded on. */
  async recordedNodes(): Promise<string[]> {
    const parent = 'projects/-';
    const snapshots = await listAll(this.client, 'snapshots', { parent });
    const dictionaries = await listAll(this.client, 'dictionaries', { parent });
    const all = [...(await this.segments()), ...snapshots.resources, ...dictionaries.resources];
    return [...new Set(all.flatMap(({ replicas }) => replicas))].sort();
  }

  /** Spoils a layout's file on a node that holds it, and has the node find out. Returns where it is. */
  async damageSomething(): Promise<{ readonly path: string; readonly digest: string }> {
    const stored = (await this.segments()).filter(({ replicas }) => replicas.length > 0);
    const { replicas, layouts } = stored[0]!;
    const { file, fileDigest: digest } = layouts.find((layout) => layout.file !== '')!;
    const path = join(this.folder, replicas[0]!, file);
    writeFileSync(path, 'spoiled');
    const name = `storageNodes/${replicas[0]}`;
    const { address } = await this.client.storageNodes.getStorageNode({ name });
    using node = connect(address);
    await node.storage.verifyFiles({ files: [file] });
    return { path, digest };
  }

  /** Where a file of a segment is in deep storage, once all segments are there. */
  async deepCopy(): Promise<{ readonly path: string; readonly digest: string }> {
    const segments = await this.segments();
    if (segments.some(({ inDeepStorage }) => !inDeepStorage)) throw new Error('not all are there');
    const layouts = segments.flatMap((segment) => segment.layouts);
    const { fileDigest: digest } = layouts.find(({ file }) => file !== '')!;
    return { path: join(this.folder, 'deep', digest.slice(0, 2), digest), digest };
  }

  /** Files that metadata says are on a node and are not, over all nodes that run. */
  async missing(): Promise<string[]> {
    const segments = await this.segments();
    const { resources } = await listAll(this.client, 'storageNodes');
    const missing: string[] = [];
    for (const { name, address } of resources) {
      const id = resourceIdOf(name);
      if (!this.#processes.has(id)) continue;
      const own = segments.filter(({ replicas }) => replicas.includes(id));
      const files = own.flatMap(({ layouts }) => layouts.map(({ file }) => file));
      using node = connect(address);
      missing.push(...(await node.storage.findMissingFiles({ files })).missingFiles);
    }
    return missing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...this.#processes.keys()]) await this.kill(name);
    await this.#stack.disposeAsync();
  }

  async #start(
    name: string,
    kind: 'scheduler' | 'storage',
    settings: EntrySettings,
  ): Promise<string> {
    const args = [...flags, entry, kind, JSON.stringify(settings)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#processes.set(name, child);
    return addressOf(child);
  }
}

/** @throws with what it printed when it ends before it serves. */
function addressOf(child: ChildProcess): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    child.stdout!.setEncoding('utf8').on('data', (more) => {
      text += more;
      const found = /"address":"([^"]+)"/.exec(text);
      if (found !== null) resolve(found[1]!);
    });
    child.once('close', (code) => reject(new Error(`ended with ${code}: ${text}`)));
  });
}
