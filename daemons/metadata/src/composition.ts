import { randomUUID } from 'node:crypto';
import { type Clock, type KeyValueStore, systemClock } from '@tessera/base';
import {
  InstallationNote,
  type Logger,
  type ServiceBinding,
  serve,
  silentLogger,
} from '@tessera/daemon';
import { access, coordination, flink, metadata } from '@tessera/proto';
import { type Meter, noMeter } from '@tessera/telemetry';
import { Authenticator } from './access/authenticator.ts';
import { type MetadataConfigInput, parseMetadataConfig } from './config.ts';
import { LeaseStore } from './coordination/lease-store.ts';
import { deploymentVersionUnknown, flinkVersionUnknown, modelVersionUnknown } from './errors.ts';
import { InstallationGuard } from './installation/installation-guard.ts';
import { Compactor } from './maintenance/compactor.ts';
import { IdentityProvider } from './oidc/identity-provider.ts';
import { RequestIds } from './resources/request-ids.ts';
import type { TableContext } from './resources/resource-table.ts';
import { Journal } from './rules/journal.ts';
import { type ModelValidator, structuralValidator } from './rules/model-validator.ts';
import { SegmentPublisher } from './rules/publish-segments.ts';
import { ResourceVersions } from './rules/resource-versions.ts';
import { createTables, segmentRulesOptions } from './rules/tables.ts';
import {
  groupHandler,
  policyHandler,
  roleHandler,
  userHandler,
} from './service/access-handlers.ts';
import { authenticationHandler } from './service/authentication-handler.ts';
import { backupHandler } from './service/backup-handler.ts';
import { leaseHandler } from './service/coordination-handlers.ts';
import {
  flinkClusterHandler,
  flinkJobHandler,
  flinkScalingHandler,
} from './service/flink-handlers.ts';
import { maintenanceHandler } from './service/maintenance-handler.ts';
import {
  cubeHandler,
  deploymentHandler,
  dictionaryHandler,
  hostHandler,
  modelHandler,
  operationHandler,
  projectHandler,
  segmentHandler,
  snapshotHandler,
  sourceHandler,
  storageNodeHandler,
} from './service/metadata-handlers.ts';
import { measuredStore } from './store/measured-store.ts';
import { openStore } from './store/open-store.ts';

/** What is handed in; each has a default that suits one process. */
export interface MetadataDependencies {
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly meter?: Meter;
  readonly validator?: ModelValidator;
  readonly newUid?: () => string;
  /** Instead of the store of the configuration: another driver, or one that a test looks into. */
  readonly store?: KeyValueStore;
}

export interface MetadataDaemon extends AsyncDisposable {
  /** Everything the daemon offers, to be bound to a socket or to a neighbour. */
  readonly services: readonly ServiceBinding[];
  readonly store: KeyValueStore;
  /** Whether the store answers. */
  readonly isHealthy: () => Promise<boolean>;
  /** Tells who callers are, for the gate of a server. */
  readonly authenticator: Authenticator;
}

/**
 * Everything the metadata daemon is made of. Disposing stops it and closes the store.
 * @throws METADATA_CONFIG_INVALID, and what opening the store throws: STORE_LOCKED, STORE_CORRUPT,
 * STORE_UNREADABLE, ETCD_UNAVAILABLE, ETCD_UNAUTHENTICATED and their like; INSTALLATION_MISMATCH and CATALOG_NEWER when
 * what is in the store is not for this daemon.
 */
export async function composeMetadata(
  input: MetadataConfigInput,
  dependencies: MetadataDependencies = {},
): Promise<MetadataDaemon> {
  const config = parseMetadataConfig(input);
  const { clock = systemClock, log = silentLogger, newUid = randomUUID } = dependencies;
  const { meter = noMeter } = dependencies;
  await using starting = new AsyncDisposableStack();
  const driver = dependencies.store ?? (await openStore(config.store, clock));
  starting.defer(() => driver.close());
  const { installationFile: file } = config;
  const note = file === undefined ? undefined : new InstallationNote(file);
  const guarding = { clock, log, newId: newUid, note };
  const guard = starting.use(await InstallationGuard.open(driver, guarding));
  const opened = guard.store;
  const store = meter === noMeter ? opened : measuredStore(opened, meter, clock);
  const requestIds = new RequestIds(store, () => clock.monotonicMs());
  const context: TableContext = { store, clock, requestIds, newUid };
  const compactor = new Compactor(store, clock, config.compaction, (error) =>
    log.error({ error }, 'compaction.failed'),
  );
  compactor.start();
  starting.defer(() => compactor.stop());
  const providers = config.identityProviders.map((one) => new IdentityProvider(one, clock, log));
  const authenticator = new Authenticator(store, clock, providers);
  const running = starting.move();
  return {
    services: createServices(context, dependencies.validator ?? structuralValidator, authenticator),
    ...{ store, authenticator },
    isHealthy: async () => (await store.status()).revision >= 0n,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function createServices(
  context: TableContext,
  validator: ModelValidator,
  authenticator: Authenticator,
): ServiceBinding[] {
  const { store, clock } = context;
  const tables = createTables(context, validator);
  const publisher = new SegmentPublisher(context, segmentRulesOptions(store, tables));
  const modelVersions = new ResourceVersions(store, tables.models, modelVersionUnknown);
  const deploymentVersions = new ResourceVersions(
    store,
    tables.deployments,
    deploymentVersionUnknown,
  );
  const clusterVersions = new ResourceVersions(store, tables.flinkClusters, (name, version) =>
    flinkVersionUnknown('flink_cluster', name, version),
  );
  const jobVersions = new ResourceVersions(store, tables.flinkJobs, (name, version) =>
    flinkVersionUnknown('flink_job', name, version),
  );
  return [
    serve(metadata.ProjectServiceDefinition, projectHandler(tables)),
    serve(metadata.SourceServiceDefinition, sourceHandler(tables)),
    serve(metadata.ModelServiceDefinition, modelHandler(tables, modelVersions)),
    serve(metadata.CubeServiceDefinition, cubeHandler(tables)),
    serve(metadata.SegmentServiceDefinition, segmentHandler(tables, publisher)),
    serve(metadata.SnapshotServiceDefinition, snapshotHandler(tables)),
    serve(metadata.DictionaryServiceDefinition, dictionaryHandler(tables)),
    serve(metadata.DeploymentServiceDefinition, deploymentHandler(tables, deploymentVersions)),
    serve(flink.FlinkClusterServiceDefinition, flinkClusterHandler(tables, clusterVersions)),
    serve(flink.FlinkJobServiceDefinition, flinkJobHandler(tables, jobVersions)),
    serve(flink.FlinkScalingServiceDefinition, flinkScalingHandler(tables)),
    serve(metadata.HostServiceDefinition, hostHandler(tables)),
    serve(metadata.StorageNodeServiceDefinition, storageNodeHandler(tables)),
    serve(
      metadata.OperationRecordServiceDefinition,
      operationHandler(tables, new Journal(context)),
    ),
    serve(metadata.MaintenanceServiceDefinition, maintenanceHandler(store, clock, context.newUid)),
    serve(metadata.BackupServiceDefinition, backupHandler(store, clock)),
    serve(access.UserServiceDefinition, userHandler(tables)),
    serve(access.GroupServiceDefinition, groupHandler(tables)),
    serve(access.RoleServiceDefinition, roleHandler(tables)),
    serve(access.PolicyServiceDefinition, policyHandler(tables)),
    serve(access.AuthenticationServiceDefinition, authenticationHandler(authenticator)),
    serve(coordination.LeaseServiceDefinition, leaseHandler(new LeaseStore(store, clock))),
  ] as unknown as ServiceBinding[];
}
