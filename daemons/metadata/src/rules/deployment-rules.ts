import { metadata } from '@tessera/proto';
import { invalidSpec } from '../errors.ts';
import type { ResourceRules } from '../resources/resource-table.ts';
import { Faults } from './faults.ts';

/** Daemons of one deployment. */
const maxDaemons = 100;

/** A deployment can be carried out as it stands, and each change of what is wanted is another generation. */
export const deploymentRules: ResourceRules<metadata.Deployment> = {
  onWrite: async ({ before, after }) => {
    const faults = faultsOf(after);
    if (faults.length > 0) throw invalidSpec('deployment', after.name, faults);
    if (before !== undefined && textOf(before) === textOf(after)) return after;
    return { ...after, generation: (before?.generation ?? 0n) + 1n };
  },
};

function faultsOf({ daemons }: metadata.Deployment) {
  const faults = new Faults();
  if (daemons.length > maxDaemons) faults.add('daemons', `may be ${maxDaemons} at most.`);
  faults.unique(
    'daemons',
    daemons.map(({ name }) => name),
    'daemon',
  );
  for (const [i, daemon] of daemons.entries()) {
    const field = `daemons[${i}]`;
    if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(daemon.name)) {
      faults.add(`${field}.name`, 'must be 1 to 63 of a-z, 0-9 and "-".');
    }
    faults.required(`${field}.argv`, daemon.argv[0] ?? '');
    if (daemon.maxUnavailable < 0) faults.add(`${field}.max_unavailable`, 'must not be negative.');
    if ((daemon.hosts?.limit ?? 0) < 0) faults.add(`${field}.hosts.limit`, 'must not be negative.');
    for (const [j, host] of (daemon.hosts?.hosts ?? []).entries()) {
      if (!/^hosts\/[^/]+$/.test(host)) {
        faults.add(`${field}.hosts.hosts[${j}]`, 'must be of the form hosts/{host}.');
      }
    }
  }
  return faults.found;
}

function textOf({ daemons }: metadata.Deployment): string {
  return JSON.stringify(daemons.map((daemon) => metadata.DaemonSpec.toJSON(daemon)));
}
