import type { ClusterDemand, FlinkHost, PlacementSelector } from './placement.ts';

/** Why a cluster may not use a host, whatever room it has; `undefined`: it may. */
export function whyNot(cluster: ClusterDemand, host: FlinkHost): string | undefined {
  if (host.unfit !== undefined) return host.unfit;
  return (
    cluster.ineligible?.get(host.id) ??
    (isSelected(cluster.selector, host) ? undefined : notSelected)
  );
}

export const notSelected = 'NOT_SELECTED';

/** Whether a host fits what is said of hosts. Nothing said: every one does. */
export function isSelected(selector: PlacementSelector | undefined, host: FlinkHost): boolean {
  const { labels = {}, racks = [], hosts = [] } = selector ?? {};
  return (
    Object.entries(labels).every(([label, value]) => host.labels?.[label] === value) &&
    (racks.length === 0 || (host.rack !== undefined && racks.includes(host.rack))) &&
    (hosts.length === 0 || hosts.includes(host.id))
  );
}
