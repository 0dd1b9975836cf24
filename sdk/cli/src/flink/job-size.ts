import { type Page, pages, type TesseraClient } from '@tessera/client';
import type { flink } from '@tessera/proto';
import type { WatchedJob } from '../flink-view.ts';
import { formatTime } from '../table.ts';

/** The size that is wanted of a job, by its spec or by scaling, and why scaling wants it. */

/** Of its widest vertex; of a job that was deleted, as it was wanted last. Absent: nothing is known of it. */
export function wantedSubtasks(job: WatchedJob): number | undefined {
  const counts = Object.values(scaledSize(job)?.parallelism ?? {});
  return counts.length > 0 ? Math.max(...counts) : specOf(job)?.parallelism;
}

/** Slots that scaling wants it to have. Absent: its size is that of its spec. */
export function scaledSlots(job: WatchedJob): number | undefined {
  return scaledSize(job)?.slots;
}

function scaledSize(job: WatchedJob): flink.FlinkJobSize | undefined {
  return specOf(job)?.scaling && job.status?.size;
}

function specOf({ wanted, status }: WatchedJob): flink.FlinkJobSpec | undefined {
  return wanted?.spec ?? status?.deployed?.spec;
}

/** Why a job has its size: what was decided when that changed, or else what was decided last that was more than to leave it. */
export interface LastDecision {
  readonly atMs: number;
  readonly words: string;
}

/** Decisions that are read in search of the last change: a cooldown holds back some after it. */
const mostSearched = 8;

/** Absent: nothing is kept. */
export async function lastDecision(
  { flinkScalings }: TesseraClient,
  job: string,
): Promise<LastDecision | undefined> {
  const parent = `flink-jobs/${job}`;
  const read = async (pageToken: string): Promise<Page<flink.FlinkScalingDecision>> => {
    const page = await flinkScalings.listScalingDecisions({ parent, summaries: true, pageToken });
    return { items: page.scalingDecisions, nextPageToken: page.nextPageToken };
  };
  const kept = await Array.fromAsync(pages(read));
  let newest: flink.ScalingDecision | undefined;
  for (const { name } of kept
    .filter(({ eventful }) => eventful)
    .slice(-mostSearched)
    .reverse()) {
    const { decision } = await flinkScalings.getScalingDecision({ name });
    newest ??= decision;
    if (decision !== undefined && isChange(decision)) return toldOf(decision);
  }
  return newest && toldOf(newest);
}

function isChange({ result }: flink.ScalingDecision): boolean {
  return Object.keys(result?.parallelism ?? {}).length > 0;
}

function toldOf(decision: flink.ScalingDecision): LastDecision {
  return { atMs: decision.input?.nowMs ?? 0, words: wordsOf(decision) };
}

/** What limits say comes first: they have the last word. */
function wordsOf({ outcome, result }: flink.ScalingDecision): string {
  const held = result?.effects.findLast((one) => one.held);
  if (held !== undefined) return `a change is held back: ${held.message}`;
  switch (outcome?.$case) {
    case 'answer':
      return outcome.value.reasons[0]?.message ?? 'the strategy does not say why';
    case 'failure':
    case 'notAsked':
      return outcome.value.message;
    default:
      return 'it is not said why';
  }
}

/** Such as `job sums has 4 slots by scaling: …`. */
export function sizeText(job: string, slots: number, last: LastDecision | undefined): string {
  const has = `job ${job} has ${slots} ${slots === 1 ? 'slot' : 'slots'} by scaling`;
  if (last === undefined) return has;
  return `${has}; ${formatTime(BigInt(Math.round(last.atMs)) * 1000n)}: ${last.words}`;
}
