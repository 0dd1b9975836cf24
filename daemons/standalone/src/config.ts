import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Transport } from '@tessera/client';
import type { TelemetryConfig } from '@tessera/daemon';
import type { MetadataConfigInput } from '@tessera/metadata';
import type { QueryConfig } from '@tessera/query';
import type { SchedulerConfig } from '@tessera/scheduler';

/** What can be set of the platform in one process. Everything else has the daemons' own defaults. */
export interface PlatformConfig {
  /** Folder of everything durable; made when missing. */
  readonly dataDirectory: string;
  /** Address to listen on; port 0 picks a free one. Without TLS only loopback, unless `transport.insecure`. */
  readonly address: string;
  /** Files of TLS (`tls.ca`, `tls.cert`, `tls.key`), or `insecure` for plain text beyond this machine. */
  readonly transport: Transport;
  /** Who may call: `open`, everybody who can connect; `controlled`, users with roles. */
  readonly access: 'open' | 'controlled';
  /** Password of user `admin`, who is made when access is controlled and there are no users yet. */
  readonly adminPassword?: string;
  /** Where metadata is kept, as in the metadata daemon; by default a SQLite file in the data directory. */
  readonly metadataStore?: MetadataConfigInput['store'];
  /** OpenID Connect providers whose tokens are taken, as in the metadata daemon. */
  readonly identityProviders: NonNullable<MetadataConfigInput['identityProviders']>;
  /** Memory for cuboids, bytes. */
  readonly cuboidMemoryBytes: number;
  /** Memory that a build may use, bytes. */
  readonly buildMemoryBytes: number;
  /** Memory for push-down and residuals, bytes. */
  readonly queryMemoryBytes: number;
  /** Engine plugin. */
  readonly engine: { readonly use: string; readonly config: unknown };
  /** How often merges, retention and unused files are looked for; 0: only when asked. */
  readonly maintenanceIntervalMs: number;
  /** Settings of the scheduler that differ from its defaults. */
  readonly scheduler: Partial<Pick<SchedulerConfig, TunableOfScheduler>>;
  /** Settings of the query daemon that differ from its defaults. */
  readonly query: Partial<Pick<QueryConfig, TunableOfQuery>>;
  /** How long what runs may go on after the platform was told to stop. */
  readonly drainTimeoutMs: number;
  /** Where spans go and where metrics are served; without it nothing of either is loaded. */
  readonly telemetry: TelemetryConfig;
}

type TunableOfQuery =
  | 'heavyQueryMs'
  | 'maxHeavyQueries'
  | 'maxMemoryBytes'
  | 'maxQueryMemoryBytes'
  | 'maxQueuedPerUser'
  | 'maxQueuedQueries'
  | 'maxRunningQueries';

type TunableOfScheduler =
  | 'deploymentIntervalMs'
  | 'flinkIntervalMs'
  | 'flinkQuotas'
  | 'leaseTtlMs'
  | 'maxConcurrentOperations'
  | 'maxSegmentsPerPass'
  | 'operationRetentionMs'
  | 'retiredGraceMs';

export const platformDefaults = {
  address: '127.0.0.1:7400',
  transport: {},
  access: 'open',
  identityProviders: [],
  cuboidMemoryBytes: 1024 * 1024 * 1024,
  buildMemoryBytes: 1024 * 1024 * 1024,
  queryMemoryBytes: 1024 * 1024 * 1024,
  engine: { use: '@tessera/engine-duckdb', config: {} },
  maintenanceIntervalMs: 60_000,
  scheduler: {},
  query: {},
  drainTimeoutMs: 10_000,
  telemetry: {},
} as const satisfies Omit<PlatformConfig, 'dataDirectory'>;

const gibibyte = 1024 ** 3;

/**
 * Memory for one build on a machine with so much: a quarter, at least what a small build needs, and at most what leaves
 * the whole process below 4 GB.
 */
export function buildMemoryOf(machineBytes: number): number {
  return Math.round(Math.min(2.75 * gibibyte, Math.max(gibibyte, machineBytes / 4)));
}

/** Where each daemon keeps what. */
export interface PlatformFolders {
  readonly metadataFile: string;
  readonly storage: string;
  /** Who did what, where access is controlled. */
  readonly audit: string;
  /** Temporary files; may be deleted while nothing runs. */
  readonly work: string;
}

export function foldersOf(dataDirectory: string): PlatformFolders {
  const root = resolve(dataDirectory);
  mkdirSync(root, { recursive: true });
  return {
    metadataFile: join(root, 'metadata.sqlite'),
    storage: join(root, 'storage'),
    audit: join(root, 'audit'),
    work: join(root, 'work'),
  };
}
