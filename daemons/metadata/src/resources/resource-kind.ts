import type { KeyValue } from '@tessera/base';
import type { Timestamp } from '@tessera/proto';

/** What all resources have, and the daemon sets. */
export interface Resource {
  readonly name: string;
  readonly uid: string;
  readonly etag: string;
  readonly revision: bigint;
  readonly createTime: Timestamp | undefined;
  readonly updateTime: Timestamp | undefined;
}

/** The part of a generated message's helper that storing needs. */
export interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

export interface ResourceKind<T extends Resource> {
  /** In snake case: reasons and messages are made of it. */
  readonly kind: string;
  /** Such as `projects/{project}/models/{model}`. */
  readonly pattern: string;
  readonly codec: Codec<T>;
  /** Fields that a caller may set, by their names in an update mask. */
  readonly fields: Readonly<Record<string, keyof T>>;
  /** Those that an update only touches when its mask names them: what daemons, not people, write. */
  readonly namedFields?: Readonly<Record<string, keyof T>>;
}

/** A resource as it is stored: without what the store knows anyway. */
export function encodeResource<T extends Resource>(kind: ResourceKind<T>, resource: T): Uint8Array {
  return kind.codec.encode({ ...resource, etag: '', revision: 0n }).finish();
}

export function decodeResource<T extends Resource>(kind: ResourceKind<T>, entry: KeyValue): T {
  return withRevision(kind.codec.decode(entry.value), entry.modRevision);
}

export function withRevision<T extends Resource>(resource: T, revision: bigint): T {
  return { ...resource, revision, etag: etagOf(revision) };
}

export function etagOf(revision: bigint): string {
  return `${revision}`;
}

/** The revision that an etag stands for; `undefined` when it is none of ours. */
export function revisionOf(etag: string): bigint | undefined {
  return /^[1-9][0-9]{0,18}$/.test(etag) ? BigInt(etag) : undefined;
}

export function timestampOf(micros: bigint): Timestamp {
  const seconds = micros / 1_000_000n;
  return { seconds, nanos: Number(micros - seconds * 1_000_000n) * 1000 };
}
