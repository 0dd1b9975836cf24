import type { storage } from '@tessera/proto';

/** What is copied from node to node as a whole: a segment, a lookup snapshot, or a version of a dictionary. */
export interface StoredItem {
  /** Resource name. */
  readonly name: string;
  readonly kind: 'segment' | 'snapshot' | 'dictionary';
  /** Everything that a node needs to have: of a segment also the files of the snapshots that it was built with. */
  readonly files: readonly storage.PulledFile[];
  /** Of its own files. */
  readonly bytes: number;
  /** Ids of the nodes that hold a verified copy, as metadata says. */
  readonly recorded: readonly string[];
  readonly inDeepStorage: boolean;
  /** Nodes that shall hold it. */
  readonly replication: number;
  /** Of a snapshot: ids of the nodes that hold segments which were built with it. */
  readonly usedOn?: readonly string[];
}

/** A storage node as the leader sees it. */
export interface SeenNode {
  readonly id: string;
  /** Empty: not known. */
  readonly rack: string;
  readonly capacityBytes: number;
  readonly draining: boolean;
  /**
   * `alive`: it holds its lease and answers. `silent`: it does not, but perhaps it is only started again; nothing moves
   * because of it. `lost`: it has been silent for long, and what it held is copied from elsewhere.
   */
  readonly state: 'alive' | 'silent' | 'lost';
}
