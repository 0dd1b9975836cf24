import { isTesseraError } from '@tessera/base';
import { metadata } from '@tessera/proto';
import {
  badRequest,
  contended,
  differs,
  modelChanged,
  requestIdReused,
  segmentChanged,
} from '../errors.ts';
import { Commit } from '../resources/commit.ts';
import { pickFields } from '../resources/field-mask.ts';
import {
  cubeKind,
  dictionaryKind,
  modelKind,
  segmentKind,
  snapshotKind,
} from '../resources/kinds.ts';
import { idsOf, keyOf } from '../resources/resource-key.ts';
import {
  decodeResource,
  encodeResource,
  type Resource,
  type ResourceKind,
  revisionOf,
  timestampOf,
  withRevision,
} from '../resources/resource-kind.ts';
import { attempts, type TableContext } from '../resources/resource-table.ts';
import { coverBy, uncover } from './coverage.ts';
import { projectOf, referProject } from './project-rules.ts';
import { refer, touch } from './references.ts';
import { checkRange, cubeOf, type SegmentRulesOptions, snapshotsOf } from './segment-rules.ts';

const { SEGMENT_STATE_READY, SEGMENT_STATE_RETIRED } = metadata.SegmentState;
const method = 'publish';

/**
 * The publication of segments: new ones READY, old ones RETIRED, with the snapshots and dictionaries they
 * need, in one transaction of the store. Readers see all of it or none.
 */
export class SegmentPublisher {
  readonly #context: TableContext;
  readonly #rules: SegmentRulesOptions;

  constructor(context: TableContext, rules: SegmentRulesOptions) {
    this.#context = context;
    this.#rules = rules;
  }

  /** @throws ABORTED SEGMENT_CHANGED | MODEL_CHANGED | FENCED, FAILED_PRECONDITION SEGMENTS_OVERLAP. */
  async publish(
    request: metadata.PublishSegmentsRequest,
  ): Promise<metadata.PublishSegmentsResponse> {
    checkNames(request);
    const { requestIds } = this.#context;
    for (let i = 0; i < attempts; i++) {
      try {
        const response = await requestIds.once(
          method,
          request.requestId,
          () => this.#try(request),
          ({ outcome, revision }) => this.#recall(outcome, revision, request),
        );
        if (response !== undefined) return response;
      } catch (error) {
        if (!requestIds.forgetLease(error)) throw error;
      }
    }
    throw contended(request.parent);
  }

  async #try(
    request: metadata.PublishSegmentsRequest,
  ): Promise<metadata.PublishSegmentsResponse | undefined> {
    const { store, requestIds } = this.#context;
    const { parent, fence, requestId } = request;
    const commit = new Commit().fence(fence);
    refer(commit, cubeKind, parent);
    requireBuiltFor(commit, request);
    const named = [...request.segments, ...request.retire].map(({ name }) => name);
    const current = await this.#read(named);
    const published = request.segments.map((segment) => this.#published(commit, current, segment));
    for (const reference of request.retire) this.#retire(commit, current, reference);
    for (const before of current.values()) uncover(commit, before);
    await coverBy(this.#rules, commit, parent, { ready: published, leaving: new Set(named) });
    const made = await this.#createCopies(commit, request);
    for (const segment of published) referAll(commit, segment, made);

    const outcome = { segments: published, revision: 0n };
    await requestIds.remember(commit, method, requestId, encodeOutcome(outcome, parent));
    const result = await commit.run(store);
    if (result === undefined) return undefined;
    const { revision } = result;
    return { segments: published.map((segment) => withRevision(segment, revision)), revision };
  }

  #published(
    commit: Commit,
    current: ReadonlyMap<string, metadata.Segment>,
    segment: metadata.Segment,
  ): metadata.Segment {
    checkRange(segment);
    const { name, etag } = segment;
    const before = current.get(name);
    const changed = () => segmentChanged(name, etag);
    if ((before?.etag ?? '') !== etag) throw changed();
    const key = keyOf(segmentKind.pattern, name);
    commit.requireUnchanged(key, before?.revision ?? 0n, changed);
    const now = timestampOf(this.#context.clock.now());
    const after: metadata.Segment = {
      ...segment,
      uid: before?.uid ?? this.#context.newUid(),
      createTime: before?.createTime ?? now,
      updateTime: now,
      state: SEGMENT_STATE_READY,
      retireTime: undefined,
    };
    commit.put(key, encodeResource(segmentKind, after));
    return after;
  }

  #retire(
    commit: Commit,
    current: ReadonlyMap<string, metadata.Segment>,
    { name, etag }: metadata.SegmentReference,
  ): void {
    const before = current.get(name);
    const changed = () => segmentChanged(name, etag);
    if (before === undefined || before.etag !== etag) throw changed();
    const key = keyOf(segmentKind.pattern, name);
    commit.requireUnchanged(key, before.revision, changed);
    const now = timestampOf(this.#context.clock.now());
    const after = { ...before, state: SEGMENT_STATE_RETIRED, updateTime: now, retireTime: now };
    commit.put(key, encodeResource(segmentKind, after));
  }

  /** Those of the segments that are there, by name. */
  async #read(names: readonly string[]): Promise<ReadonlyMap<string, metadata.Segment>> {
    const { store } = this.#context;
    const success = names.map(
      (name) => ({ op: 'get', key: keyOf(segmentKind.pattern, name) }) as const,
    );
    const { results } = await store.transaction({ success });
    const found = results.flatMap((read) =>
      read.op === 'get' && read.entry !== undefined
        ? [decodeResource(segmentKind, read.entry)]
        : [],
    );
    return new Map(found.map((segment) => [segment.name, segment]));
  }

  /** Names of the snapshots that this publication creates or finds the same. */
  async #createCopies(
    commit: Commit,
    { parent, snapshots, dictionaries }: metadata.PublishSegmentsRequest,
  ): Promise<ReadonlySet<string>> {
    for (const snapshot of snapshots) await this.#createCopy(commit, snapshotKind, snapshot);
    for (const dictionary of dictionaries) {
      await this.#createCopy(commit, dictionaryKind, dictionary);
    }
    if (snapshots.length + dictionaries.length > 0) referProject(commit, parent);
    return new Set(snapshots.map(({ name }) => name));
  }

  async #createCopy<T extends Resource>(
    commit: Commit,
    kind: ResourceKind<T>,
    copy: T,
  ): Promise<void> {
    const key = keyOf(kind.pattern, copy.name);
    const { entry } = await this.#context.store.get(key);
    commit.requireUnchanged(key, entry?.modRevision ?? 0n);
    if (entry !== undefined) {
      if (!sameFields(kind, decodeResource(kind, entry), copy)) throw differs(kind.kind, copy.name);
      return;
    }
    const now = timestampOf(this.#context.clock.now());
    const stamped = { ...copy, uid: this.#context.newUid(), createTime: now, updateTime: now };
    commit.put(key, encodeResource(kind, stamped));
  }

  /** The first outcome again: the segments as they were written then, or are now if that is compacted. */
  async #recall(
    outcome: Uint8Array,
    revision: bigint,
    request: metadata.PublishSegmentsRequest,
  ): Promise<metadata.PublishSegmentsResponse> {
    const { segments } = metadata.PublishSegmentsRequest.decode(outcome);
    const names = segments.map(({ name }) => name);
    const asked = request.segments.map(({ name }) => name);
    if (names.join() !== asked.join()) {
      throw requestIdReused(request.requestId, names.join(', '));
    }
    const found = await Promise.all(names.map((name) => this.#asOf(name, revision)));
    return { segments: found.filter((segment) => segment !== undefined), revision };
  }

  async #asOf(name: string, revision: bigint): Promise<metadata.Segment | undefined> {
    const key = keyOf(segmentKind.pattern, name);
    const { store } = this.#context;
    try {
      const { entry } = await store.get(key, { revision });
      return entry && decodeResource(segmentKind, entry);
    } catch (error) {
      if (!isTesseraError(error, 'REVISION_COMPACTED')) throw error;
      const { entry } = await store.get(key);
      return entry && decodeResource(segmentKind, entry);
    }
  }
}

/** A change of the cube or its model that comes before the transaction fails it, however late it comes. */
function requireBuiltFor(
  commit: Commit,
  { parent, builtFor }: metadata.PublishSegmentsRequest,
): void {
  if (builtFor === undefined) return;
  const { cubeEtag, model, modelEtag } = builtFor;
  const versions = [
    { kind: cubeKind, name: parent, etag: cubeEtag },
    { kind: modelKind, name: model, etag: modelEtag },
  ];
  for (const { kind, name, etag } of versions) {
    const revision = revisionOf(etag);
    if (revision === undefined) throw modelChanged(name, etag);
    commit.requireUnchanged(keyOf(kind.pattern, name), revision, () => modelChanged(name, etag));
  }
}

/** Only the names: the segments themselves are in the store already. */
function encodeOutcome(
  { segments }: { readonly segments: readonly metadata.Segment[] },
  parent: string,
): Uint8Array {
  const names = segments.map(({ name }) => ({ name }));
  return metadata.PublishSegmentsRequest.encode(
    metadata.PublishSegmentsRequest.fromPartial({ parent, segments: names }),
  ).finish();
}

function referAll(commit: Commit, segment: metadata.Segment, made: ReadonlySet<string>): void {
  for (const name of snapshotsOf(segment)) {
    if (made.has(name)) touch(commit, snapshotKind, name);
    else refer(commit, snapshotKind, name);
  }
}

/** Every name lies where it should, and stands there once. */
function checkNames(request: metadata.PublishSegmentsRequest): void {
  const { parent, segments, retire, snapshots, dictionaries } = request;
  idsOf(cubeKind.pattern, parent);
  const seen = new Set<string>();
  for (const { name } of [...segments, ...retire]) {
    idsOf(segmentKind.pattern, name);
    if (cubeOf(name) !== parent) throw badRequest('segments', `${name} is not in ${parent}.`);
    if (seen.has(name)) throw badRequest('segments', `${name} is there twice.`);
    seen.add(name);
  }
  for (const { name } of [...snapshots, ...dictionaries]) {
    if (projectOf(name) !== projectOf(parent)) {
      throw badRequest('snapshots', `${name} is not in the project of ${parent}.`);
    }
    if (seen.has(name)) throw badRequest('snapshots', `${name} is there twice.`);
    seen.add(name);
  }
}

function sameFields<T extends Resource>(kind: ResourceKind<T>, a: T, b: T): boolean {
  const bytes = (resource: T) =>
    encodeResource(kind, {
      ...kind.codec.decode(new Uint8Array()),
      ...pickFields(kind, resource),
    });
  return Buffer.compare(bytes(a), bytes(b)) === 0;
}
