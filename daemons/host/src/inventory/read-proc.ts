/** What Linux says of a machine, from the texts below /proc to values. */

export interface Mount {
  readonly device: string;
  readonly mountPoint: string;
  readonly fileSystem: string;
}

const networkFileSystems = new Set([
  'nfs',
  'nfs4',
  'cifs',
  'smb3',
  'ceph',
  'glusterfs',
  'lustre',
  'fuse.sshfs',
]);
/** Packed files that are mounted as if they were disks. */
const packedFileSystems = new Set(['squashfs', 'iso9660', 'erofs']);

/** Of `/proc/mounts`: file systems on disks and on the network, each device once, at its shortest mount point. */
export function disksOf(mounts: string): readonly Mount[] {
  const byDevice = new Map<string, Mount>();
  for (const line of mounts.split('\n')) {
    const [device, mountPoint, fileSystem] = line.split(' ').map(unescapeMount);
    if (!device || !mountPoint || !fileSystem || packedFileSystems.has(fileSystem)) continue;
    if (!device.startsWith('/dev/') && !networkFileSystems.has(fileSystem)) continue;
    const known = byDevice.get(device);
    if (known !== undefined && known.mountPoint.length <= mountPoint.length) continue;
    byDevice.set(device, { device, mountPoint, fileSystem });
  }
  return [...byDevice.values()].sort((a, b) => (a.mountPoint < b.mountPoint ? -1 : 1));
}

export function isOnNetwork({ fileSystem }: Mount): boolean {
  return networkFileSystems.has(fileSystem);
}

/** The mount that a path lies on. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  const holds = ({ mountPoint }: Mount) =>
    mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`);
  return mounts.filter(holds).sort((a, b) => b.mountPoint.length - a.mountPoint.length)[0];
}

/** Blanks, tabs, newlines and backslashes stand there as octal numbers. */
function unescapeMount(text: string): string {
  return text.replaceAll(/\\(\d{3})/g, (_, octal) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** Of `/proc/meminfo`, bytes; 0 when it is not there. */
export function memoryFact(memoryInfo: string, name: string): number {
  return 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(memoryInfo)?.[1] ?? 0);
}

/** Of `/proc/net/tcp` or `tcp6`: ports on which something listens. */
export function listeningPorts(tcp: string): readonly number[] {
  const listening = '0A';
  const ports = tcp
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === listening)
    .map((fields) => Number.parseInt(fields[1]!.split(':')[1]!, 16));
  return [...new Set(ports)].sort((a, b) => a - b);
}
