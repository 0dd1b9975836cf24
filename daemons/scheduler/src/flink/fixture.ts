import { tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import { flink, metadata, host as wire } from '@tessera/proto';
import type { SeenHost, SeenProcess } from '../hosts/observe-hosts.ts';
import { fingerprintOf } from '../hosts/process-spec.ts';

/** Clusters and hosts for tests. */

export const gib = 2 ** 30;
export const bundle = `artifacts/${'b'.repeat(64)}`;

export function clusterOf(
  id: string,
  change: Partial<flink.FlinkClusterSpec> = {},
): flink.FlinkCluster {
  return flink.FlinkCluster.fromPartial({
    name: `flink-clusters/${id}`,
    version: 1n,
    spec: {
      flinkVersion: '2.3.0',
      bundle,
      jobManager: { processBytes: BigInt(gib) },
      taskManagerSizing: {
        $case: 'taskManager',
        value: { processBytes: BigInt(2 * gib), slots: 2 },
      },
      taskManagerCount: 2,
      // There, and without any state.
      stateDirectory: pathToFileURL(tmpdir()).href,
      ...change,
    },
  });
}

export const inventory = metadata.HostInventory.fromPartial({
  cpuCount: 8,
  memoryBytes: BigInt(32 * gib),
  ports: { first: 20_000, last: 20_999 },
});

export function hostOf(id: string, change: Partial<SeenHost> = {}): SeenHost {
  const artifact = wire.Artifact.fromPartial({ name: bundle, unpacked: true });
  return {
    ...{ name: `hosts/${id}`, labels: {}, rack: '', address: `${id}:7450`, firstPort: 20_000 },
    inventory,
    processes: new Map(),
    artifacts: new Map([[bundle, artifact]]),
    ...change,
  };
}

/** A process as a host tells of it that was started with a spec. */
export function processOf(
  id: string,
  spec: wire.ProcessSpec,
  change: Partial<SeenProcess> = {},
): SeenProcess {
  return {
    ...{ id, spec, state: 'RUNNING', run: `${id}/1`, isServing: true },
    ...{ fingerprint: fingerprintOf(spec), changedFiles: [], lastExit: '', hasEndedItself: false },
    ...change,
  };
}
