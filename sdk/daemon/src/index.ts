/** What every daemon is run with: a gRPC server, in-process binding, plugins, sources, injection, logs. */
export {
  type AccessArguments,
  accessArguments,
  controlBy,
  controlByMetadata,
  isControlled,
  ownToken,
} from './access/access-arguments.ts';
export { type AccessContext, callerOf } from './access/access-context.ts';
export { AuditLog, type AuditRecord } from './access/audit-log.ts';
export { permissionDenied } from './access/errors.ts';
export type { AccessControl } from './access/gate.ts';
export { type MethodRule, ruleOf, type UserRule } from './access/method-rules.ts';
export { projectOf } from './access/named-projects.ts';
export { servicesOf } from './access/peer-services.ts';
export { refusalOf } from './access/refusal-of.ts';
export { RemoteIdentities } from './access/remote-identities.ts';
export {
  policyFromProto,
  policyRulesFromProto,
  roleFromProto,
  servicesFromProto,
  servicesToProto,
} from './access/rules-from-proto.ts';
export { withDeadline } from './deadline.ts';
export { Container, type Get, type Token, token } from './dependency-injection.ts';
export { endProcess } from './end-process.ts';
export { asTesseraError } from './failure.ts';
export {
  absent,
  digestOf,
  makeFolder,
  orDiskFull,
  syncFile,
  syncFolder,
  writeDurably,
} from './files/durable.ts';
export { diskFull } from './files/errors.ts';
export { openSqliteAlone, sqliteCode, sqliteCodeOf } from './files/exclusive-sqlite.ts';
export { bindInProcess } from './in-process.ts';
export { InstallationNote } from './installation/installation-note.ts';
export { loadSqlParser } from './load-sql-parser.ts';
export { jsonLogger, type Logger, type LogLevel, silentLogger } from './logger.ts';
export { numberArgument } from './number-argument.ts';
export { optionsOf } from './options-of.ts';
export {
  type LoadedPlugin,
  type PluginEntry,
  PluginHost,
  type PluginHostOptions,
} from './plugin-host.ts';
export { directoryIdentity } from './registration/directory-identity.ts';
export type { Registered, Registrant } from './registration/registrant.ts';
export {
  type HeartbeatWitness,
  Registration,
  type RegistrationOptions,
} from './registration/registration.ts';
export {
  daemonArguments,
  endLate,
  runDaemon,
  type StartingDaemon,
  stopRequested,
} from './run-daemon.ts';
export { scalingDecisionInvalid } from './scaling/errors.ts';
export { StrategyRunner, VetoRunner } from './scaling/plugin-runners.ts';
export { type PluginThreadOptions, pluginThreadDefaults } from './scaling/plugin-thread.ts';
export type { PluginDescription } from './scaling/plugin-worker-messages.ts';
export {
  decodeLog,
  decodeMetrics,
  decodeRecord,
  memoryFromProto,
  recordFromProto,
  sampleFromProto,
} from './scaling/record-from-proto.ts';
export {
  encodeLog,
  encodeMetrics,
  encodeRecord,
  memoryToProto,
  recordToProto,
  sampleToProto,
} from './scaling/record-to-proto.ts';
export { type RunningServer, type ServerOptions, startServer } from './server.ts';
export { type ServiceBinding, type ServiceClient, serve } from './service-binding.ts';
export { smallHeap } from './small-heap.ts';
export {
  externalCatalog,
  type OpenSource,
  type SourceDescription,
  SourceRegistry,
} from './source-registry.ts';
export {
  type RunningTelemetry,
  startTelemetry,
  type TelemetryConfig,
} from './telemetry/start-telemetry.ts';
export { traceTo } from './telemetry/start-tracing.ts';
export { pieceBytes, TokenBucket, type TokenBucketOptions } from './token-bucket.ts';
export { transportArguments, transportOfArguments } from './transport-arguments.ts';
