import { formatTable } from '@tessera/cli';
import { median } from '../statistics.ts';
import type { Decision } from './decisions.ts';
import type { Figures } from './figures.ts';
import type { Profile, RivalFigures } from './profiles.ts';
import { type Change, reactionTo, stages } from './reaction.ts';
import type { Run } from './run-profile.ts';

type Shown = Exclude<keyof Figures, 'steps'>;

const rows: readonly (readonly [figure: Shown, what: string])[] = [
  ['rescales', 'rescales'],
  ['reversals', 'reversals'],
  ['decisions', 'changes of what is wanted'],
  ['decisionsAfterKill', 'of them after the loss'],
  ['firstActionSeconds', 'first rescale after, s'],
  ['enoughCapacitySeconds', 'enough capacity after, s'],
  ['backlogGoneSeconds', 'backlog gone after, s'],
  ['largestBacklog', 'largest backlog, records'],
  ['largestBacklogSeconds', 'the same, s of load'],
  ['jobSlotSeconds', 'job slot-seconds'],
  ['providedSlotSeconds', 'provided slot-seconds'],
  ['taskManagersGoneSeconds', 'TaskManagers gone after, s'],
  ['notRunningSeconds', 'not all running, s'],
];

/** What was measured of one profile, beside the rival and the goals. */
export function printProfile(profile: Profile, runs: readonly Run[]): void {
  const { name, asks, load, rival, goals } = profile;
  console.log(`\n${name}, ${asks}\n  ${load.length > 60 ? `${load.slice(0, 60)}…` : load}\n`);
  const head = ['', ...runs.map((_, i) => `RUN ${i + 1}`), 'MEDIAN', 'RIVAL', 'GOAL'];
  const table = rows.map(([figure, what]) => [
    what,
    ...runs.map(({ figures }) => shown(figures[figure])),
    shown(median(runs.map(({ figures }) => figures[figure] ?? Number.POSITIVE_INFINITY))),
    shown(rival?.[figure as keyof RivalFigures]),
    goalOf(goals.find((goal) => goal.figure === figure)?.atMost),
  ]);
  console.log(formatTable(head, table));
  for (const [what, fromSeconds, untilSeconds] of changesOf(profile)) {
    printReactions(what, { fromSeconds, untilSeconds }, runs);
  }
  for (const { figures, verdict, missing, decisions } of runs) {
    const steps = figures.steps.map(({ seconds, to }) => `${to}@${seconds.toFixed(0)}`);
    const { lines, lost, doubled, wrongStates } = verdict;
    const faults = `${missing} missing, ${lost} lost, ${doubled} doubled, ${wrongStates} states wrong`;
    console.log(`Slots by second: ${steps.join(' ')}. Sink: ${lines} records, ${faults}.`);
    console.log(`Decided: ${decisions.map(wordsOf).join(', ')}.`);
  }
}

type NamedChange = readonly [what: string, fromSeconds: number, untilSeconds: number];

function changesOf({ riseSeconds, dropSeconds, seconds }: Profile): readonly NamedChange[] {
  const rise = ['the rise', riseSeconds, dropSeconds ?? seconds] as const;
  return dropSeconds === undefined ? [rise] : [rise, ['the drop', dropSeconds, seconds]];
}

/** Where the seconds go. */
function printReactions(what: string, change: Change, runs: readonly Run[]): void {
  const reactions = runs.map(({ samples, decisions }) => reactionTo(change, samples, decisions));
  const table = stages.map((stage) => [stage, ...reactions.map((each) => shown(each.get(stage)))]);
  const head = [`SECONDS AFTER ${what.toUpperCase()}`, ...runs.map((_, i) => `RUN ${i + 1}`)];
  console.log(`\n${formatTable(head, table)}`);
}

function wordsOf({ seconds, to, why }: Decision): string {
  const size = to === undefined ? '' : `${to} `;
  return `${size}${why.join('+')}@${seconds.toFixed(0)}`;
}

function goalOf(atMost: number | undefined): string {
  return atMost === undefined ? '' : `<= ${atMost}`;
}

function shown(value: number | undefined): string {
  if (value === undefined || value === Number.POSITIVE_INFINITY) return '-';
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}
