import { versionUnknown } from './errors.ts';
import flink22 from './flink-2.2.1.json' with { type: 'json' };
import flink23 from './flink-2.3.0.json' with { type: 'json' };

/** A version of Flink whose files are known one by one. */
export interface KnownVersion {
  readonly version: string;
  /** Packages of Maven beside `apache-flink-libraries` of PyPI, and the folder that each one's jar goes to. */
  readonly packages: readonly { readonly coordinates: string; readonly folder: string }[];
  /** SHA-256 of every file of the bundle, by its path. */
  readonly files: Readonly<Record<string, string>>;
}

/** Parquet needs classes of Hadoop, not a service of it. */
const hadoop = '3.3.6';

const known: ReadonlyMap<string, KnownVersion> = new Map([
  [
    '2.2.1',
    {
      version: '2.2.1',
      // Parquet for it is in no registry.
      packages: [{ coordinates: 'org.apache.flink:flink-sql-gateway:2.2.1', folder: 'opt' }],
      files: flink22,
    },
  ],
  [
    '2.3.0',
    {
      version: '2.3.0',
      packages: [
        { coordinates: 'org.apache.flink:flink-sql-gateway:2.3.0', folder: 'opt' },
        { coordinates: 'org.apache.flink:flink-sql-parquet:2.3.0', folder: 'lib' },
        { coordinates: `org.apache.hadoop:hadoop-client-api:${hadoop}`, folder: 'lib' },
        { coordinates: `org.apache.hadoop:hadoop-client-runtime:${hadoop}`, folder: 'lib' },
        { coordinates: 'commons-logging:commons-logging:1.2', folder: 'lib' },
      ],
      files: flink23,
    },
  ],
]);

/** @throws FLINK_VERSION_UNKNOWN */
export function knownVersion(version: string): KnownVersion {
  const found = known.get(version);
  if (found === undefined) throw versionUnknown(version, [...known.keys()]);
  return found;
}
