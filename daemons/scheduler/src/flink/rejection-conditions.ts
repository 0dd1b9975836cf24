import { type ClusterJournal, maxEnds } from '@tessera/flink';
import type { ConditionReport } from './cluster-status.ts';

/** That the newest version of a cluster was given up, for as long as the last good one runs instead. */
export function rejectionConditions({ good, rejected }: ClusterJournal): ConditionReport[] {
  if (rejected === undefined) return [];
  const { version, processId: process, host, cause } = rejected;
  return [
    {
      reason: 'CLUSTER_SPEC_REJECTED',
      message: `Version ${version} is given up: ${process} on ${host} ended ${maxEnds} times before it came up. Version ${good} runs instead, the last one whose processes came up; jobs go on there from their newest state. Apply another version to try again. Reason: ${cause}`,
      metadata: { version: `${version}`, goodVersion: `${good}`, process, host, cause },
    },
  ];
}
