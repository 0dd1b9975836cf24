import type { Decision } from './decisions.ts';
import type { Sample } from './sample.ts';

/** What a job passes through on its way to another size. */
export const stages = [
  'decided',
  'TaskManagers started',
  'slots registered',
  'Flink asked',
  'deployed',
  'all run',
] as const;
export type Stage = (typeof stages)[number];
/** Seconds from a change of load until each; what never came, or was there before, is absent. */
export type Reaction = ReadonlyMap<Stage, number>;

export interface Change {
  /** When the load changes, and until when the answer to it is looked for; seconds since the load began. */
  readonly fromSeconds: number;
  readonly untilSeconds: number;
}

/** Where the seconds go between a change of load and the first other size of the job that follows. */
export function reactionTo(
  { fromSeconds, untilSeconds }: Change,
  samples: readonly Sample[],
  decisions: readonly Decision[],
): Reaction {
  const isDuring = ({ seconds }: { readonly seconds: number }) =>
    seconds >= fromSeconds && seconds < untilSeconds;
  const during = samples.filter(isDuring);
  const before = samples.findLast(({ seconds, job }) => seconds < fromSeconds && job !== undefined);
  const decided = decisions.find((one) => isDuring(one) && one.to !== undefined);
  const slotsBefore = before?.job?.slots;
  const first = (looksSo: (sample: Sample) => boolean) => during.find(looksSo);
  const changed = ({ job }: Sample) =>
    job !== undefined && job.slots > 0 && slotsBefore !== undefined && job.slots !== slotsBefore;
  const found: Readonly<Record<Stage, { readonly seconds: number } | undefined>> = {
    decided,
    'TaskManagers started': first(
      ({ providedSlots }) => before !== undefined && providedSlots > before.providedSlots,
    ),
    'slots registered': first(
      ({ registeredSlots = 0 }) =>
        decided?.to !== undefined &&
        (before?.registeredSlots ?? 0) < decided.to &&
        registeredSlots >= decided.to,
    ),
    'Flink asked': first(
      ({ job }) => job?.wanted !== undefined && job.wanted !== before?.job?.wanted,
    ),
    deployed: first(changed),
    'all run': first((sample) => changed(sample) && sample.job!.isRunning),
  };
  return new Map(
    stages.flatMap((stage) => {
      const at = found[stage]?.seconds;
      return at === undefined ? [] : [[stage, at - fromSeconds] as const];
    }),
  );
}
