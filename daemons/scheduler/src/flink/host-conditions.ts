import { resourceIdOf } from '@tessera/base';
import type { SeenHost } from '../hosts/observe-hosts.ts';
import type { ConditionReport } from './cluster-status.ts';
import type { HostTrouble } from './host-watch.ts';

export interface HostsView {
  readonly hosts: readonly SeenHost[];
  /** Ids of hosts that the cluster has processes on, or may have. */
  readonly used: ReadonlySet<string>;
  readonly troubleOf: (host: SeenHost) => HostTrouble | undefined;
}

/** So many hosts are named. */
const maxNamed = 10;

/** What is wrong with the hosts of a cluster, for people. */
export function hostConditions({ hosts, used, troubleOf }: HostsView): ConditionReport[] {
  const own = hosts.filter(({ name }) => used.has(resourceIdOf(name)));
  const byTrouble = Map.groupBy(own, troubleOf);
  return [...byTrouble].flatMap(([trouble, some]) =>
    trouble === undefined ? [] : [conditionOf(trouble, some)],
  );
}

function conditionOf(trouble: HostTrouble, hosts: readonly SeenHost[]): ConditionReport {
  const named = hosts.slice(0, maxNamed).map(({ name }) => resourceIdOf(name));
  const first = `host ${named[0]!}`;
  const who = hosts.length === 1 ? first : `${first} (and ${hosts.length - 1} more)`;
  const metadata = { hosts: named.join(', '), count: String(hosts.length) };
  return { ...wordsOf(trouble, who), metadata };
}

function wordsOf(trouble: HostTrouble, who: string): Pick<ConditionReport, 'reason' | 'message'> {
  switch (trouble) {
    case 'HOST_SILENT':
      return {
        reason: 'HOST_SILENT',
        message: `${who} does not answer. TaskManagers are started elsewhere, and the JobManager once it is certain that all has ended there. See whether the machine, its network and its host daemon work.`,
      };
    case 'HOST_RETURNED':
      return {
        reason: 'HOST_RETURNED',
        message: `${who} was silent, and is given no new work before it has been back for a while: for longer each time that it was silent in the last hour.`,
      };
    case 'HOST_UNSTEADY':
      return {
        reason: 'HOST_UNSTEADY',
        message: `${who} comes and goes: it was silent for moments several times in five minutes. What runs there goes on. See whether its host daemon ends again and again, or its network fails.`,
      };
  }
}
