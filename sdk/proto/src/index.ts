/**
 * The wire contract in TypeScript, generated from `proto/` by `npm run gen`. One namespace per package, because
 * names repeat: `metadata.Segment`, `query.ExecuteQueryRequest`. 64-bit integers are bigint, a `oneof` is
 * `{ $case, value }`, a field mask is a list of paths, a Struct is a plain object.
 */
import { readFileSync } from 'node:fs';

export * as access from './access.ts';
export * as coordination from './coordination.ts';
export * as flink from './flink.ts';
export * as longrunning from './gen/google/longrunning/operations.ts';
export { Any } from './gen/google/protobuf/any.ts';
export { Duration } from './gen/google/protobuf/duration.ts';
export { Empty } from './gen/google/protobuf/empty.ts';
export { NullValue } from './gen/google/protobuf/struct.ts';
export { Timestamp } from './gen/google/protobuf/timestamp.ts';
export * as host from './host.ts';
export * as metadata from './metadata.ts';
export * as query from './query.ts';
export * as rpc from './rpc.ts';
export * as scheduler from './scheduler.ts';
export * as storage from './storage.ts';
export * as type from './type.ts';

/** The untouched file descriptors of all packages, as a FileDescriptorSet: what server reflection serves. */
export function fileDescriptorSet(): Uint8Array {
  return readFileSync(new URL('../tessera.binpb', import.meta.url));
}
