import { statfsSync } from 'node:fs';
import { defineMetrics, type Meter } from '@tessera/telemetry';
import { memoryFact } from './inventory/read-proc.ts';
import { readIfThere } from './proc/process-identity.ts';
import { type ProcessRecord, stateOf } from './process/process-record.ts';

/** What the host daemon counts. */
export const hostMetrics = defineMetrics({
  processes: {
    name: 'tessera_host_processes',
    kind: 'gauge',
    unit: 'processes',
    help: 'Processes that the host keeps, by state; BACKOFF: it ended by itself and waits to be started again.',
    labels: ['state'],
  },
  restarts: {
    name: 'tessera_host_process_restarts',
    kind: 'gauge',
    unit: 'restarts',
    help: 'Restarts of a process since it last ran long enough to be called stable.',
    labels: ['process'],
  },
  registered: {
    name: 'tessera_host_registered',
    kind: 'gauge',
    unit: 'hosts',
    help: '1 while the host holds its lease, as far as it knows, else 0.',
    labels: [],
  },
  freeDisk: {
    name: 'tessera_host_disk_free_bytes',
    kind: 'gauge',
    unit: 'bytes',
    help: "Free on the disk of the host daemon's folder.",
    labels: [],
  },
  freeMemory: {
    name: 'tessera_host_memory_free_bytes',
    kind: 'gauge',
    unit: 'bytes',
    help: 'Memory of the machine that no program uses.',
    labels: [],
  },
});

export interface MeasuredHost {
  readonly directory: string;
  readonly processes: { list(): readonly ProcessRecord[] };
  readonly isRegistered: () => boolean;
}

/** Reads the host whenever its metrics are asked for. */
export function measureHost(
  meter: Meter,
  { directory, processes, isRegistered }: MeasuredHost,
): void {
  meter.gauge(hostMetrics.processes, () => {
    const states = processes.list().map(stateOf);
    return [...new Set(states)].map((state) => ({
      value: states.filter((other) => other === state).length,
      labels: { state },
    }));
  });
  meter.gauge(hostMetrics.restarts, () =>
    processes.list().map(({ id, restarts }) => ({ value: restarts, labels: { process: id } })),
  );
  meter.gauge(hostMetrics.registered, () => [{ value: isRegistered() ? 1 : 0 }]);
  meter.gauge(hostMetrics.freeDisk, () => {
    const { bavail, bsize } = statfsSync(directory);
    return [{ value: bavail * bsize }];
  });
  meter.gauge(hostMetrics.freeMemory, () => [
    { value: memoryFact(readIfThere('/proc/meminfo') ?? '', 'MemAvailable') },
  ]);
}
