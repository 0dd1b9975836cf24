/** The suites that come with contracts. They need vitest, so they stand apart from the rest of the kit. */

export { type ConnectorSubject, type ConnectorSuite, describeConnector } from './connector.ts';
export {
  chunksOf,
  contentOf,
  type DeepStorageSubject,
  describeDeepStorage,
  type TestFile,
  testFile,
} from './deep-storage.ts';
export { describeEngine, type EngineSuite } from './engine.ts';
export { describeKeyValueStore, type KeyValueStoreSubject } from './key-value-store.ts';
export {
  bytes,
  type ContractClock,
  eventually,
  expectReason,
  text,
} from './key-value-store-harness.ts';
export { describeScalingStrategy, type ScalingStrategySuite } from './scaling-strategy.ts';
export { describeScalingVeto, type ScalingVetoSuite } from './scaling-veto.ts';
