import { invariant } from '@tessera/base';
import {
  type CuboidScanner,
  RemoteCuboidScanner,
  ScanLanes,
  type TesseraClient,
} from '@tessera/client';
import { type LayoutFile, layoutPath } from '@tessera/cube';

/** One storage daemon of several. */
export interface StorageNode {
  /** Unique among the daemons and the same from start to start, such as an address. */
  readonly name: string;
  readonly scanner: CuboidScanner;
  /** For each file whether the daemon can read it. */
  holds(files: readonly LayoutFile[], signal: AbortSignal): Promise<readonly boolean[]>;
}

/** The storage daemons that there are now, by name: they come and go. */
export type NodesNow = () => ReadonlyMap<string, StorageNode>;

/** Always the same ones. */
export function fixedNodes(nodes: readonly StorageNode[]): NodesNow {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  invariant(byName.size === nodes.length, 'every storage daemon has its own name');
  return () => byName;
}

/** A storage daemon over gRPC. */
export class RemoteStorageNode implements StorageNode, Disposable {
  readonly name: string;
  readonly scanner: CuboidScanner;
  readonly #storage: TesseraClient['storage'];
  readonly #lanes: ScanLanes;

  constructor(name: string, storage: TesseraClient['storage']) {
    this.name = name;
    this.#lanes = new ScanLanes(storage);
    this.scanner = new RemoteCuboidScanner(this.#lanes);
    this.#storage = storage;
  }

  async holds(files: readonly LayoutFile[], signal: AbortSignal): Promise<readonly boolean[]> {
    const paths = files.map(layoutPath);
    const { missingFiles } = await this.#storage.findMissingFiles({ files: paths }, { signal });
    const missing = new Set(missingFiles);
    return paths.map((path) => !missing.has(path));
  }

  /** Ends what is kept of scans that are over. */
  [Symbol.dispose](): void {
    this.#lanes[Symbol.dispose]();
  }
}
