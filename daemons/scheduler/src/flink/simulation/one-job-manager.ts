import type { flink } from '@tessera/proto';
import { variables } from '../../hosts/process-spec.ts';
import { clusterJournalOf } from '../cluster-status.ts';
import type { Machine, Running } from './machine.ts';

/** What was on its way, or looked at, when another one was started, is younger than this: messages and starts that are late, and looks that take long. */
const blindMs = 40_000;

export interface Start {
  readonly machine: Machine;
  readonly process: Running;
  readonly nowMs: number;
}

/**
 * Of one cluster no JobManager is started while another one runs that its leader could know of: neither beside one that is there, nor instead of one whose machine is only out of touch. A start that arrives after its leader has
 * changed his mind is nothing that he could know of.
 */
export function besideAnother(
  { machine, process, nowMs }: Start,
  machines: readonly Machine[],
  statuses: readonly flink.FlinkClusterStatus[],
): string | undefined {
  const cluster = clusterOf(process);
  if (cluster === undefined) return undefined;
  const started = statuses.flatMap((status) => clusterJournalOf(status).started);
  process.order.isStale = !started.some(
    ({ id, host }) => id === process.id && host === machine.name,
  );
  if (process.order.isStale) return undefined;
  for (const other of machines.filter((each) => each !== machine)) {
    const there = other.lasting().find((each) => {
      const { sinceMs, isStale } = each.order;
      return clusterOf(each) === cluster && !isStale && nowMs - sinceMs > blindMs;
    });
    if (there !== undefined) {
      return `${process.id} started on ${machine.name} beside ${there.id} on ${other.name}`;
    }
  }
  return undefined;
}

/** Whether no other JobManager of its cluster runs, or will again by itself. */
export function isAlone(process: Running, machines: readonly Machine[]): boolean {
  const all = machines.flatMap((machine) => machine.lasting());
  return all.filter((each) => clusterOf(each) === clusterOf(process)).length === 1;
}

/** Whose JobManager it is. */
function clusterOf({ spec: { environment } }: Running): string | undefined {
  const isOne = environment[variables.flinkRole] === 'jobmanager';
  return isOne ? environment[variables.flinkCluster] : undefined;
}
