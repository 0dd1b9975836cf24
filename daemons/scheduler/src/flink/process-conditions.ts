import { resourceIdOf } from '@tessera/base';
import type { SeenHost, SeenProcess } from '../hosts/observe-hosts.ts';
import type { ConditionReport } from './cluster-status.ts';
import { processesOf } from './observe-cluster.ts';
import type { ClusterPlan } from './plan-clusters.ts';

/** What is wrong with processes that are there, for people. @param words why they have ended: see `lastWords` */
export function processConditions(
  plan: ClusterPlan,
  hosts: readonly SeenHost[],
  words: ReadonlyMap<string, string>,
): ConditionReport[] {
  const there = hosts.flatMap((host) =>
    processesOf(host, plan.id, plan.processes).map(({ process }) => ({
      process,
      host: resourceIdOf(host.name),
    })),
  );
  const crashing = there.filter(({ process }) => process.state === 'BACKOFF');
  const changed = there.filter(
    ({ process }) => process.state === 'RUNNING' && process.changedFiles.length > 0,
  );
  return [
    ...oneOf(crashing, 'PROCESS_ENDED', ({ process, host }) => {
      const how = process.lastExit || 'an end that nobody saw';
      return `${process.id} on ${host} has ended with ${how} and is started again.${because(words.get(process.run))}`;
    }),
    ...oneOf(changed, 'FILE_CHANGED_BY_HAND', ({ process, host }) => {
      return `Beside ${process.id} on ${host} somebody has changed ${process.changedFiles.join(', ')}; they are put there again.`;
    }),
  ];
}

const because = (reason = ''): string =>
  reason === '' ? ' Its log says why, when that goes on.' : ` Reason: ${reason}`;

interface There {
  readonly process: SeenProcess;
  readonly host: string;
}

/** The first of them, and how many there are. */
function oneOf(
  found: readonly There[],
  reason: string,
  messageOf: (one: There) => string,
): ConditionReport[] {
  const [first] = found;
  if (first === undefined) return [];
  const { process, host } = first;
  return [
    {
      reason,
      message: messageOf(first),
      metadata: { process: process.id, host, count: String(found.length) },
    },
  ];
}
