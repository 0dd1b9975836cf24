import type { flink } from '@tessera/proto';
import type { FlinkStage } from '@tessera/testkit/flink-stage';
import { jobName } from '../flink/load-job.ts';

/** What the scheduler decided about the job, as it kept it. */
export interface Decision {
  /** Since the load began. */
  readonly seconds: number;
  /** Subtasks of the widest vertex that it wants; absent: it leaves the job as it is. */
  readonly to?: number;
  /** Codes of its reasons, and of limits that held it back. */
  readonly why: readonly string[];
}

/** All that was kept, oldest first. What says the same as the one before is not kept. */
export async function keptDecisions(
  { client }: FlinkStage,
  startMs: number,
): Promise<readonly Decision[]> {
  const all: Decision[] = [];
  let pageToken = '';
  do {
    const request = { parent: jobName, pageToken };
    const page = await client.flinkScalings.listScalingDecisions(request);
    all.push(...page.scalingDecisions.flatMap(({ decision }) => decisionOf(decision, startMs)));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return all.sort((a, b) => a.seconds - b.seconds);
}

function decisionOf(decision: flink.ScalingDecision | undefined, startMs: number): Decision[] {
  if (decision === undefined) return [];
  const { input, outcome, result } = decision;
  const to = Object.values(result?.parallelism ?? {});
  const reasons = reasonsOf(outcome);
  const limits = (result?.effects ?? []).map(({ code }) => code);
  return [
    {
      seconds: ((input?.nowMs ?? 0) - startMs) / 1_000,
      ...(to.length > 0 && { to: Math.max(...to) }),
      why: [...reasons, ...limits],
    },
  ];
}

function reasonsOf(outcome: flink.ScalingDecision['outcome']): readonly string[] {
  switch (outcome?.$case) {
    case 'answer':
      return outcome.value.reasons.map(({ code }) => code);
    case 'failure':
      return [outcome.value.code];
    case 'notAsked':
      return [outcome.value.code];
    default:
      return [];
  }
}
