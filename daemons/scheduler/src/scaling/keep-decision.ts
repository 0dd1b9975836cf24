import { encodeRecord, recordToProto } from '@tessera/daemon';
import { type DecisionRecord, isEventful, withDecision } from '@tessera/scaling';
import type { SchedulerClients } from '../clients.ts';
import type { JobScaling } from './job-scaling.ts';

/** Decisions by which a job stays as it is are kept so far apart, and those that say the same once in so long. */
const apartMs = 5_000;
const quietMs = 60_000;

/**
 * Keeps a decision where it says something new, and forgets old ones. A rescale is always kept, and is not carried out before.
 */
export async function keepDecision(
  clients: Pick<SchedulerClients, 'flinkScalings'>,
  job: string,
  scaling: JobScaling,
  record: DecisionRecord,
): Promise<JobScaling> {
  const timeMs = record.input.nowMs;
  const words = wordsOf(record);
  const { said } = scaling;
  const sinceMs = timeMs - (said?.timeMs ?? -Infinity);
  const isNews = sinceMs >= (said?.words === words ? quietMs : apartMs);
  if (!isNews && record.result.action.kind === 'hold') return scaling;
  const parent = `flink-jobs/${job}`;
  const id = idOf(timeMs);
  const sizeBytes = encodeRecord(record).length;
  const eventful = isEventful(record);
  await clients.flinkScalings.createScalingDecision({
    parent,
    scalingDecisionId: id,
    scalingDecision: { eventful, sizeBytes: BigInt(sizeBytes), decision: recordToProto(record) },
  });
  const kept = withDecision(scaling.kept, { timeMs, eventful, sizeBytes, stored: id });
  const left = new Set(kept.map(({ stored }) => stored));
  for (const { stored } of scaling.kept) {
    if (left.has(stored)) continue;
    const name = `${parent}/scaling-decisions/${stored}`;
    await clients.flinkScalings.deleteScalingDecision({ name, allowMissing: true });
  }
  return { ...scaling, kept, said: { words, timeMs } };
}

/** Sorts by time. */
const idOf = (timeMs: number): string => String(Math.round(timeMs)).padStart(15, '0');

/** What a decision comes to, without numbers that change from one to the next. */
function wordsOf({ outcome, result }: DecisionRecord): string {
  const { action, effects, condition } = result;
  const reasons = outcome.kind === 'decided' ? outcome.decision.reasons : [];
  const codes = [...reasons, ...effects].map(({ code, vertex = '' }) => `${code} ${vertex}`);
  return JSON.stringify([action, codes, condition?.code]);
}
