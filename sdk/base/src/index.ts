/** What everything else stands on: errors, invariants, time, randomness, names. Imports nothing. */
export { type Clock, systemClock } from './clock.ts';
export type { DeepFile, DeepStorage } from './deep-storage.ts';
export {
  Code,
  type FieldViolation,
  isTesseraError,
  messageOf,
  TesseraError,
  type TesseraErrorInit,
} from './error.ts';
export { type Arrival, FairPlaces, type FairPlacesLimits } from './fair-places.ts';
export { FairQueue } from './fair-queue.ts';
export { invariant, unreachable } from './invariant.ts';
export {
  type Condition,
  compareKeys,
  type GetResult,
  inRange,
  type KeyRange,
  type KeyValue,
  type KeyValueStore,
  type Lease,
  type ListOptions,
  type ListResult,
  type OperationResult,
  prefixRange,
  type StoreFault,
  type StoreOperation,
  type StoreStatistics,
  type StoreStatus,
  storeLimits,
  type TransactionRequest,
  type TransactionResult,
  type WatchBatch,
  type WatchEvent,
  type WatchOptions,
} from './key-value-store.ts';
export { LruCache } from './lru-cache.ts';
export { nearestName } from './nearest.ts';
export { type Random, seededRandom } from './random.ts';
export { checkResourceId, isResourceId, parseResourceName, resourceIdOf } from './resource-name.ts';
