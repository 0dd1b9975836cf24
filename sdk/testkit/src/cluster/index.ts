/** Three hosts on one machine, as network namespaces, with the platform's daemons on them as real processes. Needs root. */
export type { BadCertificate } from './certificates.ts';
export { clockSkew } from './clock-skew.ts';
export { ClusterClients } from './cluster-clients.ts';
export { type DaemonKind, hostsOf, replication } from './daemon-commands.ts';
export type { DaemonProcess } from './daemon-process.ts';
export { HostNetwork } from './host-network.ts';
export { SlowSync, slowSyncUnusable } from './slow-sync.ts';
export type { SmallDisk } from './small-disk.ts';
export { hostCount, TestCluster } from './test-cluster.ts';
