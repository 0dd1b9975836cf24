import { hash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { resourceIdOf } from '@tessera/base';
import { metadata } from '@tessera/proto';

export interface PackedLimits {
  /** Encoded bytes of segments that are held as objects, which take about five times as much. */
  readonly maxUnpackedBytes: number;
  /** Changes that a cube keeps beside what is packed; one more, and all of it is packed anew. */
  readonly maxLate: number;
}

export const packedDefaults: PackedLimits = { maxUnpackedBytes: 16 * 1024 * 1024, maxLate: 32 };

/** The segments of a cube are much alike, so the fastest level gains nearly all there is to gain. */
const level = 1;

interface HeldCube {
  /** Encoded and compressed together. */
  packed: Uint8Array;
  /** Length of the encoding. */
  bytes: number;
  /** What has come since; `undefined`: deleted. By name. */
  readonly late: Map<string, metadata.Segment | undefined>;
  /** By segment id. */
  readonly marks: Map<string, Mark>;
  /** All of it as objects. */
  unpacked?: Map<string, metadata.Segment>;
}

/** The state of a segment, and 88 bits of a digest of what planning reads of it. */
type Mark = string;

/**
 * The segments of cubes, in a small part of the memory that they take as objects: those of a cube are kept encoded and
 * compressed together, and as objects only while the cube is among those used last. It holds what it was told and
 * nothing else: whether a cube is here, and how new it is, is for its owner to know.
 */
export class PackedSegments {
  readonly #limits: PackedLimits;
  readonly #cubes = new Map<string, HeldCube>();
  /** Those with objects, the longest unused first. */
  readonly #unpacked = new Set<HeldCube>();
  #unpackedBytes = 0;

  constructor(limits: PackedLimits = packedDefaults) {
    this.#limits = limits;
  }

  /** Everything that a cube has. True when planning would see a difference. */
  replace(cube: string, segments: readonly metadata.Segment[]): boolean {
    const marks = new Map(segments.map((each) => [resourceIdOf(each.name), markOf(each)]));
    const before = this.#cubes.get(cube)?.marks;
    this.drop(cube);
    this.#cubes.set(cube, { ...pack(segments), late: new Map(), marks });
    return before === undefined || !sameMarks(before, marks);
  }

  /** One segment of a cube that is here. True when planning sees a difference: a record of its replicas is none. */
  put(segment: metadata.Segment): boolean {
    const { name } = segment;
    const held = this.#cubes.get(cubeOf(name));
    if (held === undefined) return false;
    const [id, mark] = [resourceIdOf(name), markOf(segment)];
    const changed = held.marks.get(id) !== mark;
    held.marks.set(id, mark);
    held.unpacked?.set(name, segment);
    this.#keep(held, name, segment);
    return changed;
  }

  /** True when it was there. */
  delete(name: string): boolean {
    const held = this.#cubes.get(cubeOf(name));
    if (held === undefined || !held.marks.delete(resourceIdOf(name))) return false;
    held.unpacked?.delete(name);
    this.#keep(held, name, undefined);
    return true;
  }

  /** Forgets a cube. */
  drop(cube: string): void {
    const held = this.#cubes.get(cube);
    if (held === undefined) return;
    this.#forgetObjects(held);
    this.#cubes.delete(cube);
  }

  clear(): void {
    this.#cubes.clear();
    this.#unpacked.clear();
    this.#unpackedBytes = 0;
  }

  /** Of a cube; none when it is not here. */
  of(cube: string): readonly metadata.Segment[] {
    const held = this.#cubes.get(cube);
    return held === undefined ? [] : [...this.#unpack(held).values()];
  }

  find(name: string): metadata.Segment | undefined {
    const held = this.#cubes.get(cubeOf(name));
    return held && this.#unpack(held).get(name);
  }

  /** In how many segments of all cubes each state is found. */
  counts(): ReadonlyMap<metadata.SegmentState, number> {
    const counts = new Map<metadata.SegmentState, number>();
    for (const { marks } of this.#cubes.values()) {
      for (const mark of marks.values()) {
        const state = stateOf(mark);
        counts.set(state, (counts.get(state) ?? 0) + 1);
      }
    }
    return counts;
  }

  /** Encoded bytes of what is held as objects now. */
  get unpackedBytes(): number {
    return this.#unpackedBytes;
  }

  #keep(held: HeldCube, name: string, segment: metadata.Segment | undefined): void {
    held.late.set(name, segment);
    if (held.late.size <= this.#limits.maxLate) return;
    const segments = [...this.#unpack(held).values()];
    this.#forgetObjects(held);
    Object.assign(held, pack(segments));
    held.late.clear();
  }

  #unpack(held: HeldCube): ReadonlyMap<string, metadata.Segment> {
    if (held.unpacked !== undefined) {
      this.#unpacked.delete(held);
      this.#unpacked.add(held);
      return held.unpacked;
    }
    held.unpacked = unpack(held);
    this.#unpacked.add(held);
    this.#unpackedBytes += held.bytes;
    for (const other of this.#unpacked) {
      if (this.#unpackedBytes <= this.#limits.maxUnpackedBytes) break;
      // The cube in use stays, however large it is.
      if (other !== held) this.#forgetObjects(other);
    }
    return held.unpacked;
  }

  #forgetObjects(held: HeldCube): void {
    if (!this.#unpacked.delete(held)) return;
    this.#unpackedBytes -= held.bytes;
    delete held.unpacked;
  }
}

/** Resource name of the cube that a segment is of. */
export function cubeOf(segment: string): string {
  return segment.slice(0, segment.indexOf('/segments/'));
}

function pack(segments: readonly metadata.Segment[]): Pick<HeldCube, 'packed' | 'bytes'> {
  const list = { segments: [...segments], nextPageToken: '', revision: 0n };
  const encoded = metadata.ListSegmentsResponse.encode(list).finish();
  return { packed: deflateRawSync(encoded, { level }), bytes: encoded.byteLength };
}

function unpack({ packed, late }: HeldCube): Map<string, metadata.Segment> {
  const { segments } = metadata.ListSegmentsResponse.decode(inflateRawSync(packed));
  const unpacked = new Map(segments.map((segment) => [segment.name, segment]));
  for (const [name, segment] of late) {
    if (segment === undefined) unpacked.delete(name);
    else unpacked.set(name, segment);
  }
  return unpacked;
}

/** Planning reads neither when a segment was written nor where its files are: scans look that up as they begin. */
function markOf(segment: metadata.Segment): Mark {
  const written = { etag: '', revision: 0n, updateTime: undefined };
  const stored = { replicas: [], inDeepStorage: false };
  const read = metadata.Segment.encode({ ...segment, ...written, ...stored }).finish();
  // With the state 12 characters of a byte each: up to there V8 copies what it cuts and joins, longer ones would keep all their parts.
  return (
    String.fromCharCode(segment.state) + hash('sha256', read, 'buffer').toString('latin1', 0, 11)
  );
}

function stateOf(mark: Mark): metadata.SegmentState {
  return mark.charCodeAt(0) as metadata.SegmentState;
}

function sameMarks(a: ReadonlyMap<string, Mark>, b: ReadonlyMap<string, Mark>): boolean {
  return a.size === b.size && [...a].every(([id, mark]) => b.get(id) === mark);
}
