import { resourceIdOf } from '@tessera/base';
import type { MemoryHistory } from '@tessera/metadata';
import { metadata } from '@tessera/proto';
import type { Disks } from './disk.ts';

const root = '/tessera/v1';
const segmentRange = { start: `${root}/segments/`, end: `${root}/segments0` };
const { SEGMENT_STATE_READY } = metadata.SegmentState;

/** Copies that each segment shall have. */
export const replication = 2;

/**
 * What must hold of replicas, seen in the store and on the disks after every happening: a record is true, the reconciler never
 * takes away a copy that is needed, and nothing that answers is lost while a disk lives.
 */
export class ReplicaInvariants {
  readonly #history: MemoryHistory;
  readonly #disks: Disks;
  readonly #versions = new Map<string, metadata.Segment>();
  /** By node and file: what a fault has destroyed and nobody has mended. */
  readonly #spoiled = new Set<string>();
  #seen: bigint;

  constructor(history: MemoryHistory, disks: Disks) {
    this.#history = history;
    this.#disks = disks;
    this.#seen = history.revision;
  }

  check(): void {
    const through = this.#history.revision;
    if (through > this.#seen) this.#look(through);
    for (const key of this.#spoiled) {
      const [node, file] = key.split(' ') as [string, string];
      if (this.#has(node, file)) this.#spoiled.delete(key);
    }
    for (const segment of this.#ready()) {
      for (const node of segment.replicas) {
        for (const file of filesOf(segment)) {
          const isThere = this.#has(node, file) || this.#spoiled.has(`${node} ${file}`);
          must(isThere, `${file} is recorded on ${node}, which does not have it`);
        }
      }
      const holders = segment.replicas.filter((node) => this.#holds(node, segment));
      must(filesOf(segment).length === 0 || holders.length > 0, `${segment.name} has no copy left`);
    }
  }

  /** A copy that may be destroyed, as another one that is recorded is whole. */
  spoil(pick: (choices: readonly string[]) => string): void {
    const choices = this.#ready().flatMap((segment) => {
      const holders = segment.replicas.filter((node) => this.#holds(node, segment));
      if (holders.length < 2) return [];
      return holders.flatMap((node) => filesOf(segment).map((file) => `${node} ${file}`));
    });
    if (choices.length === 0) return;
    const chosen = pick(choices);
    const [node, file] = chosen.split(' ') as [string, string];
    this.#spoiled.add(chosen);
    this.#disks.byName.get(node)!.files.delete(file);
  }

  /** Every segment is on as many nodes as it shall be, none of them more. */
  isWhole(): boolean {
    return this.#ready().every((segment) => {
      const wanted = filesOf(segment).length === 0 ? 0 : replication;
      const { replicas } = segment;
      return replicas.length === wanted && replicas.every((node) => this.#holds(node, segment));
    });
  }

  /** Who is recorded, by segment, for messages. */
  shown(): string {
    const lines = this.#ready().map(({ name, replicas }) => `${resourceIdOf(name)}: ${replicas}`);
    return lines.join('; ');
  }

  #look(through: bigint): void {
    const rows = this.#history.changes({
      range: segmentRange,
      from: this.#seen + 1n,
      through,
      limit: Number.MAX_SAFE_INTEGER,
    });
    this.#seen = through;
    for (const { key, value } of rows) {
      const before = this.#versions.get(key);
      if (value === undefined) {
        this.#versions.delete(key);
        continue;
      }
      const after = metadata.Segment.decode(value);
      this.#versions.set(key, after);
      if (before !== undefined) this.#written(before, after);
    }
  }

  /** A record that was written of the same files has as many good copies as before, or as many as there shall be. */
  #written(before: metadata.Segment, after: metadata.Segment): void {
    if (after.state !== SEGMENT_STATE_READY || before.state !== SEGMENT_STATE_READY) return;
    if (filesOf(before).join() !== filesOf(after).join()) return;
    const good = (segment: metadata.Segment) =>
      segment.replicas.filter((node) => this.#holds(node, after)).length;
    const needed = Math.min(good(before), replication);
    must(
      good(after) >= needed,
      `${after.name} went from ${before.replicas} to ${after.replicas}, which leaves ${good(after)} good copies`,
    );
  }

  #ready(): metadata.Segment[] {
    return [...this.#versions.values()].filter(({ state }) => state === SEGMENT_STATE_READY);
  }

  #holds(node: string, segment: metadata.Segment): boolean {
    return filesOf(segment).every((file) => this.#has(node, file));
  }

  #has(node: string, file: string): boolean {
    return this.#disks.byName.get(node)?.files.has(file) === true;
  }
}

function filesOf({ layouts }: metadata.Segment): string[] {
  return layouts.map(({ file }) => file).filter((file) => file !== '');
}

function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
