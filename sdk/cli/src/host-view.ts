import { timestampFromProto } from '@tessera/client';
import { host, metadata, type Timestamp } from '@tessera/proto';
import { formatBytes, formatTime } from './table.ts';

/** How hosts and processes are shown to people. */

export function labelsOf({ labels }: metadata.Host): string {
  return Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

export function diskBytes({ inventory }: metadata.Host): bigint {
  return (inventory?.disks ?? []).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n);
}

const diskKinds: Readonly<Record<number, string>> = {
  [metadata.DiskKind.DISK_KIND_ROTATIONAL]: 'rotational',
  [metadata.DiskKind.DISK_KIND_SOLID_STATE]: 'solid state',
  [metadata.DiskKind.DISK_KIND_NETWORK]: 'network',
};

export function diskRows({ inventory }: metadata.Host): string[][] {
  return (inventory?.disks ?? []).map((disk) => [
    disk.mountPoint,
    disk.device,
    disk.fileSystem,
    diskKinds[disk.kind] ?? 'unknown',
    formatBytes(disk.sizeBytes),
    disk.holdsData ? 'data' : '',
  ]);
}

/** Whether it lives, and whether Flink is to leave it. */
export function hostState({ draining }: metadata.Host, isAlive: boolean): string {
  return `${isAlive ? 'alive' : 'gone'}${draining ? ', draining' : ''}`;
}

export function hostFacts(host: metadata.Host, isAlive: boolean): [string, string][] {
  const { inventory } = host;
  const { first = 0, last = 0 } = inventory?.ports ?? {};
  const addresses = (inventory?.addresses ?? []).map(
    ({ interfaceName, address }) => `${address} (${interfaceName})`,
  );
  return [
    ['host', host.name],
    ['state', hostState(host, isAlive)],
    ['machine', host.machineId],
    ['version', host.version],
    ['served at', host.address],
    ['rack', host.rack],
    ['labels', labelsOf(host)],
    ['kernel', inventory?.kernel ?? ''],
    ['cpus', `${inventory?.cpuCount ?? 0} × ${inventory?.cpuModel || 'unknown'}`],
    ['numa nodes', `${inventory?.numaNodeCount ?? 0}`],
    ['memory', formatBytes(inventory?.memoryBytes ?? 0n)],
    ['addresses', addresses.join(', ')],
    ['ports', `${first} to ${last}`],
  ];
}

/** Such as `RUNNING`. */
export function processState({ state }: host.Process): string {
  const known = Object.entries(host.ProcessState).find(([, value]) => value === state);
  return known?.[0].replace('PROCESS_STATE_', '') ?? `${state}`;
}

export function exitText(exit: host.ProcessExit | undefined): string {
  switch (exit?.cause?.$case) {
    case undefined:
      return '';
    case 'code':
      return `code ${exit.cause.value}`;
    case 'signal':
      return exit.cause.value;
    case 'notStarted':
      return `not started: ${exit.cause.value}`;
    case 'unknown':
      return 'unknown';
  }
}

export function timeText(time: Timestamp | undefined): string {
  const micros = timestampFromProto(time);
  return micros === undefined ? '' : formatTime(micros);
}
