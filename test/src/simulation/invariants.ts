import { segmentFromProto } from '@tessera/client';
import type { Segment } from '@tessera/cube';
import type { MemoryHistory } from '@tessera/metadata';
import { type coordination, metadata } from '@tessera/proto';
import { type Disks, rowCountOf } from './disk.ts';
import { monthsIn } from './source.ts';

const root = '/tessera/v1';
const segmentRange = { start: `${root}/segments/`, end: `${root}/segments0` };
const operationRange = { start: `${root}/operations/`, end: `${root}/operations0` };
const everything = { start: root };

const { OperationState, SegmentState } = metadata;
const ended: ReadonlySet<metadata.OperationState> = new Set([
  OperationState.OPERATION_STATE_SUCCEEDED,
  OperationState.OPERATION_STATE_FAILED,
  OperationState.OPERATION_STATE_CANCELLED,
]);

/** What a cluster must never do, seen in the store itself after every happening. */
export class Invariants {
  readonly #history: MemoryHistory;
  readonly #disk: Disks;
  /** By operation and segment: how often it was published. */
  readonly #published = new Map<string, number>();
  readonly #ends = new Map<string, metadata.OperationState>();
  /** Segments as they were last written. */
  readonly #versions = new Map<string, metadata.Segment>();
  /** Files that answer queries. */
  #named: ReadonlySet<string> = new Set();
  #seen: bigint;

  constructor(history: MemoryHistory, disk: Disks) {
    this.#history = history;
    this.#disk = disk;
    this.#seen = history.revision;
  }

  /** A write by a fence was taken: nobody may have taken the lease since that fence was given. */
  fencedWrite(fence: coordination.Fence, revision: bigint): void {
    const key = `${root}/${fence.lease}`;
    const holder = this.#history.find(key, revision)?.modRevision;
    must(
      holder === fence.token,
      `a write by token ${fence.token} was taken at ${revision} when the lease was ${holder}'s`,
    );
  }

  /** Looks at what was written since the last look, and whether every file that answers is there. */
  check(): void {
    const through = this.#history.revision;
    if (through > this.#seen) this.#look(through);
    for (const file of this.#named)
      must(this.#disk.read(file) !== undefined, `${file} was deleted`);
  }

  #look(through: bigint): void {
    const rows = this.#history.changes({
      range: everything,
      from: this.#seen + 1n,
      through,
      limit: Number.MAX_SAFE_INTEGER,
    });
    this.#seen = through;
    for (const { key, value } of rows) {
      if (value === undefined) continue;
      if (key.startsWith(segmentRange.start)) {
        const segment = metadata.Segment.decode(value);
        const before = this.#versions.get(segment.name);
        this.#versions.set(segment.name, segment);
        // That only its replicas have changed makes nothing readable.
        if (!movedOnly(before, segment)) this.#segment(segment);
      }
      if (key.startsWith(operationRange.start)) {
        this.#operation(key, metadata.OperationRecord.decode(value));
      }
    }
    const files = this.readySegments().flatMap(({ layouts }) => layouts.map(({ file }) => file));
    this.#named = new Set(files);
  }

  readySegments(): Segment[] {
    return this.#rows(segmentRange)
      .map((value) => metadata.Segment.decode(value))
      .filter(({ state }) => state === SegmentState.SEGMENT_STATE_READY)
      .map(segmentFromProto);
  }

  operations(): ReadonlyMap<string, metadata.OperationRecord> {
    const records = this.#rows(operationRange).map((value) =>
      metadata.OperationRecord.decode(value),
    );
    return new Map(records.map((record) => [record.name, record]));
  }

  /** Published once by its operation, with the rows that were built, of the version that it says. */
  #segment(stored: metadata.Segment): void {
    if (stored.state !== SegmentState.SEGMENT_STATE_READY) return;
    const segment = segmentFromProto(stored);
    const times = (this.#published.get(`${stored.operation} ${segment.id}`) ?? 0) + 1;
    this.#published.set(`${stored.operation} ${segment.id}`, times);
    const end = this.#ends.get(`${root}/${stored.operation}`);
    must(end === undefined, `${stored.operation} published ${segment.id} after it had ended`);
    must(times === 1, `${stored.operation} published ${segment.id} ${times} times`);
    const wanted = monthsIn(segment.range);
    const version = Number(segment.sourceVersions['s.t']?.token);
    must(segment.layouts.length > 0, `${segment.id} was published without layouts`);
    for (const { file, rowCount } of segment.layouts) {
      const reads = this.#disk.read(file) ?? [];
      const isThere = this.#disk.read(file) !== undefined;
      must(isThere, `${segment.id} was published with ${file}, which is not there`);
      const held = reads.map(({ month }) => month).sort();
      must(held.join() === wanted.join(), `${segment.id} holds months ${held}, not ${wanted}`);
      must(rowCountOf({ reads }) === rowCount, `${segment.id} says ${rowCount} rows of ${file}`);
      // Months of several versions say a version that is none.
      const isMixed = wanted.length > 1 && Number.isNaN(version);
      const right = isMixed || reads.every((read) => read.version === version);
      must(right, `${segment.id} says version ${version} of ${JSON.stringify(reads)}`);
    }
  }

  /** What has ended stays as it ended. */
  #operation(key: string, { state, name }: metadata.OperationRecord): void {
    const end = this.#ends.get(key);
    must(end === undefined || end === state, `${name} ended as ${end} and became ${state}`);
    if (ended.has(state)) this.#ends.set(key, state);
  }

  #rows(range: { readonly start: string; readonly end: string }): Uint8Array[] {
    return this.#history.range(range, {}).map(({ value }) => value!);
  }
}

/** True when two versions of a segment tell the same of everything but who holds it. */
export function movedOnly(before: metadata.Segment | undefined, after: metadata.Segment): boolean {
  if (before === undefined || before.replicas.join() === after.replicas.join()) return false;
  const rest = ({
    replicas: _,
    etag: __,
    revision: ___,
    updateTime: ____,
    ...one
  }: metadata.Segment) => metadata.Segment.encode(metadata.Segment.fromPartial(one)).finish();
  return Buffer.compare(rest(before), rest(after)) === 0;
}

function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
