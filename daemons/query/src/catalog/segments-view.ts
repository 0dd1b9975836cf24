import { type Clock, Code, isTesseraError, type TesseraError } from '@tessera/base';
import { listAll, type TesseraClient, watch } from '@tessera/client';
import type { Logger } from '@tessera/daemon';
import type { metadata } from '@tessera/proto';
import { until } from '../execute/until.ts';
import { forever } from './forever.ts';
import { cubeOf, PackedSegments } from './packed-segments.ts';
import { type Changes, RevisionBatches } from './revision-batches.ts';

const anyCube = 'projects/-/cubes/-';
const pageSize = 1_000;
/** Lists of cubes under way at a time. */
const maxLists = 8;
/** Before a list that failed, or was older than the watch, is tried again. */
const pauseMs = 200;
/** Changes kept for a cube whose list is under way; of one with more the list is made again. */
const maxKept = 1_000;

type SegmentChanges = Changes<metadata.Segment>;

interface Cube {
  /** The revision of the list that what is held began with; absent: nothing is held. */
  listed?: bigint;
  /** A list counts from this revision on: what came before it may be known, or was not kept. */
  wanted: bigint;
  /** Another one, never had before, whenever planning would see a difference. */
  version: number;
  listing?: Listing;
}

interface Listing {
  readonly done: Promise<void>;
  /** What the watch tells meanwhile. */
  kept: { readonly changes: SegmentChanges; readonly revision: bigint }[];
}

/**
 * The segments of cubes, each cube listed when somebody first needs it and then followed by the one watch of all segments.
 * Changes of one revision become visible together, so that a publication is seen as a whole or not at all.
 */
export class SegmentsView implements AsyncDisposable {
  readonly #client: TesseraClient;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #onChange: () => void;
  readonly #onStart: () => void;
  readonly #stop = new AbortController();
  readonly #held = new PackedSegments();
  readonly #cubes = new Map<string, Cube>();
  readonly #watching = Promise.withResolvers<void>();
  readonly #following: Promise<void>;
  readonly #waiting: (() => void)[] = [];
  #lists = 0;
  #versions = 0;
  /** The watch tells of everything after this: no list may be older. */
  #base = 0n;
  #followed = 0n;
  #heardMs: number;

  /**
   * @param parts `onChange`: called after what planning reads of a cube that is held has changed; `onStart`: when the watch
   *   has begun, also anew, so that no cube is held
   */
  constructor(parts: {
    readonly client: TesseraClient;
    readonly clock: Clock;
    readonly log: Logger;
    readonly onChange: () => void;
    readonly onStart: () => void;
  }) {
    const { client, clock, log, onChange, onStart } = parts;
    this.#client = client;
    this.#clock = clock;
    this.#log = log;
    this.#onChange = onChange;
    this.#onStart = onStart;
    this.#heardMs = clock.monotonicMs();
    const { signal } = this.#stop;
    this.#following = forever(() => this.#follow(), { collection: 'segments', clock, log, signal });
  }

  /** Resolves when changes are followed, so that cubes can be listed. */
  ready(): Promise<void> {
    return this.#watching.promise;
  }

  /** The newest revision that the watch has told of. */
  get revision(): bigint {
    return this.#followed;
  }

  /** When the watch said anything the last time, monotonic. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /**
   * Has the segments of a cube here, and waits for metadata daemons that are away.
   * @throws the signal's reason, and what listing throws that waiting does not mend
   */
  async load(cube: string, signal: AbortSignal): Promise<void> {
    while (!this.isHeld(cube)) {
      try {
        await until(this.#list(cube), signal);
      } catch (error) {
        if (signal.aborted || this.#stop.signal.aborted || !mayPass(error)) throw error;
        this.#log.warn({ cube, reason: error.reason }, 'metadata.segments.unlisted');
        await this.#clock.sleep(pauseMs, signal);
      }
    }
  }

  isHeld(cube: string): boolean {
    return this.#cubes.get(cube)?.listed !== undefined;
  }

  /** Differs whenever planning would see a difference in the cube. */
  versionOf(cube: string): number {
    return this.#cubes.get(cube)?.version ?? 0;
  }

  /** Of a cube that is held, in any state. */
  of(cube: string): readonly metadata.Segment[] {
    return this.#held.of(cube);
  }

  find(name: string): metadata.Segment | undefined {
    return this.#held.find(name);
  }

  /** By `SegmentState`, of the cubes that are held. */
  counts(): ReadonlyMap<metadata.SegmentState, number> {
    return this.#held.counts();
  }

  /** Forgets the cubes that are not `wanted`: they were deleted. */
  keep(wanted: (cube: string) => boolean): void {
    for (const [name, { listing }] of this.#cubes) {
      if (wanted(name) || listing !== undefined) continue;
      this.#held.drop(name);
      this.#cubes.delete(name);
    }
  }

  /** Reads what has changed by now, for who knows of a write that the watch has not told yet. */
  async refresh(signal: AbortSignal): Promise<void> {
    await until(this.#watching.promise, signal);
    const now = await this.#revisionNow(signal);
    // That revision once more: the watch may have told a part of it only.
    const from = this.#followed;
    if (now > this.#base) this.#base = now;
    if (from > now) return;
    try {
      const changed = await this.#changedCubes(from, now, signal);
      const held = [...changed].filter((cube) => this.#cubes.has(cube));
      await until(Promise.all(held.map((cube) => this.#listFrom(cube, now))), signal);
    } catch (error) {
      if (!isTesseraError(error) || error.code !== Code.OUT_OF_RANGE) throw error;
      this.#restart(now);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#following;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    using batches = new RevisionBatches<metadata.Segment>((changes, revision) =>
      this.#apply(changes, revision),
    );
    const source = {
      list: async () => ({ resources: [], revision: await this.#revisionNow(signal) }),
      watch: (startRevision: bigint) =>
        this.#client.segments.watchSegments({ parent: anyCube, startRevision }, { signal }),
    };
    for await (const event of watch<metadata.Segment>(source, { signal })) {
      this.#heardMs = this.#clock.monotonicMs();
      if (event.kind === 'snapshot') {
        batches.flush();
        this.#restart(event.revision);
        this.#watching.resolve();
        this.#onStart();
      } else {
        batches.take(event);
      }
      if (event.kind !== 'put' && event.kind !== 'deleted') this.#followed = event.revision;
    }
  }

  /** Nothing is known to be as it is any more: what happened up to `revision` is in lists only. */
  #restart(revision: bigint): void {
    const wasHeld = [...this.#cubes.values()].some(({ listed }) => listed !== undefined);
    this.#base = revision;
    this.#held.clear();
    for (const cube of this.#cubes.values()) {
      delete cube.listed;
      cube.version = ++this.#versions;
      if (cube.listing !== undefined) cube.listing.kept = [];
    }
    if (wasHeld) this.#onChange();
  }

  async #revisionNow(signal: AbortSignal): Promise<bigint> {
    const request = { parent: anyCube, pageSize: 1 };
    return (await this.#client.segments.listSegments(request, { signal })).revision;
  }

  async #changedCubes(from: bigint, to: bigint, signal: AbortSignal): Promise<Set<string>> {
    const cubes = new Set<string>();
    const request = { parent: anyCube, startRevision: from };
    const ended = new AbortController();
    const options = { signal: AbortSignal.any([signal, ended.signal]) };
    try {
      for await (const { event, revision } of this.#client.segments.watchSegments(
        request,
        options,
      )) {
        if (revision > to || (revision === to && event === undefined)) break;
        if (event?.$case === 'put') cubes.add(cubeOf(event.value.name));
        if (event?.$case === 'deletedName') cubes.add(cubeOf(event.value));
      }
    } finally {
      ended.abort();
    }
    return cubes;
  }

  async #listFrom(name: string, revision: bigint): Promise<void> {
    const cube = this.#cubes.get(name);
    if (cube === undefined) return;
    if (cube.wanted < revision) cube.wanted = revision;
    while ((cube.listed ?? -1n) < revision) await this.#list(name);
  }

  /** Lists a cube, or joins who does. */
  #list(name: string): Promise<void> {
    const cube = this.#cubes.get(name) ?? { wanted: 0n, version: ++this.#versions };
    this.#cubes.set(name, cube);
    if (cube.listing !== undefined) return cube.listing.done;
    if (cube.wanted < this.#followed) cube.wanted = this.#followed;
    const done = this.#listUntilNew(name, cube).finally(() => {
      delete cube.listing;
    });
    cube.listing = { done, kept: [] };
    return done;
  }

  async #listUntilNew(name: string, cube: Cube): Promise<void> {
    await until(this.#watching.promise, this.#stop.signal);
    for (;;) {
      const found = await this.#inTurn(() => {
        const { signal } = this.#stop;
        return listAll(this.#client, 'segments', { parent: name, pageSize, signal });
      });
      const oldest = cube.wanted > this.#base ? cube.wanted : this.#base;
      if (found.revision >= oldest) return this.#hold(name, cube, found);
      await this.#clock.sleep(pauseMs, this.#stop.signal);
    }
  }

  async #inTurn<T>(list: () => Promise<T>): Promise<T> {
    if (this.#lists < maxLists) this.#lists++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await list();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#lists--;
      else next();
    }
  }

  #hold(
    name: string,
    cube: Cube,
    found: { readonly resources: readonly metadata.Segment[]; readonly revision: bigint },
  ): void {
    const wasHeld = cube.listed !== undefined;
    let changed = this.#held.replace(name, found.resources);
    cube.listed = found.revision;
    for (const { changes, revision } of cube.listing?.kept ?? []) {
      if (revision > found.revision && this.#write(changes)) changed = true;
    }
    if (changed) cube.version = ++this.#versions;
    if (changed && wasHeld) this.#onChange();
  }

  #apply(changes: SegmentChanges, revision: bigint): void {
    this.#followed = revision;
    let changed = false;
    for (const [name, ofCube] of byCube(changes)) {
      const cube = this.#cubes.get(name);
      if (cube !== undefined && this.#applyTo(cube, ofCube, revision)) {
        cube.version = ++this.#versions;
        changed = true;
      }
    }
    if (changed) this.#onChange();
  }

  /** True when planning sees a difference. */
  #applyTo(cube: Cube, changes: SegmentChanges, revision: bigint): boolean {
    const { listing, listed } = cube;
    if (listing !== undefined && listing.kept.length < maxKept) {
      listing.kept.push({ changes, revision });
    } else if (listing !== undefined) {
      cube.wanted = revision;
    }
    // What the watch tells late is in the list already.
    return listed !== undefined && revision > listed && this.#write(changes);
  }

  #write({ put, deleted }: SegmentChanges): boolean {
    let changed = false;
    for (const name of deleted) changed = this.#held.delete(name) || changed;
    for (const segment of put.values()) changed = this.#held.put(segment) || changed;
    return changed;
  }
}

/** Daemons are away, or have too much to do. */
function mayPass(error: unknown): error is TesseraError {
  if (!isTesseraError(error)) return false;
  const { code, retryAfterMs } = error;
  return code === Code.UNAVAILABLE || code === Code.DEADLINE_EXCEEDED || retryAfterMs !== undefined;
}

function byCube({ put, deleted }: SegmentChanges): Map<string, SegmentChanges> {
  const cubes = new Map<
    string,
    { readonly put: Map<string, metadata.Segment>; readonly deleted: Set<string> }
  >();
  const of = (name: string) => {
    const cube = cubeOf(name);
    const known = cubes.get(cube) ?? { put: new Map(), deleted: new Set() };
    cubes.set(cube, known);
    return known;
  };
  for (const name of deleted) of(name).deleted.add(name);
  for (const segment of put.values()) of(segment.name).put.set(segment.name, segment);
  return cubes;
}
