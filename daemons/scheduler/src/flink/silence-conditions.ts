import { resourceIdOf } from '@tessera/base';
import type { SeenHost } from '../hosts/observe-hosts.ts';
import type { ConditionReport } from './cluster-status.ts';
import { processesOf, silentMsOf } from './observe-cluster.ts';
import type { ClusterPlan } from './plan-clusters.ts';

export interface SilenceView {
  readonly plan: ClusterPlan;
  readonly hosts: readonly SeenHost[];
  /** For which reason the JobManager does not answer; absent: it does. */
  readonly silence?: string;
  readonly ageMs: (run: string) => number;
}

/** For so long a JobManager may start, or be busy, before anybody is told. */
const untoldMs = 30_000;

/** A JobManager whose process runs, and that does not answer, or not as one does. */
export function silenceConditions(view: SilenceView): ConditionReport[] {
  const { plan, hosts, silence } = view;
  if (silence === undefined || silentMsOf(view) <= untoldMs) return [];
  return hosts.flatMap((host) =>
    processesOf(host, plan.id, plan.processes)
      .filter(({ role, process }) => role === 'jobmanager' && process.state === 'RUNNING')
      .map(({ process }) => conditionOf(process.id, resourceIdOf(host.name), silence)),
  );
}

function conditionOf(process: string, host: string, cause: string): ConditionReport {
  return {
    reason: 'JOBMANAGER_SILENT',
    message: `${process} on ${host} runs, and does not answer the scheduler (${cause}). After two minutes of that it is ended and started again, then more and more rarely; its jobs go on from their newest checkpoints. Its log may say what keeps it; or the scheduler does not reach that host.`,
    metadata: { process, host, cause },
  };
}
