import { type CommandContext, formatTable } from '@tessera/cli';
import {
  type Alternative,
  type DecisionRecord,
  decideInstead,
  slotsOf,
  timeText,
} from '@tessera/scaling';
import type { LoadedStrategy } from './load-strategy.ts';

const mostShown = 40;

/** Prints what another strategy would have decided, each time with the job as it really was. */
export function replayInstead(
  context: CommandContext,
  records: readonly DecisionRecord[],
  { strategy, ...use }: LoadedStrategy,
): void {
  const alternatives = decideInstead(records, use, strategy);
  const other = alternatives.filter(
    (each) => slotsAfter(each.recorded) !== slotsAfter(each.instead),
  );
  const value = {
    strategy: { name: use.name, version: use.version },
    decisions: alternatives.length,
    otherwise: other.length,
    alternatives: alternatives.map(asValue),
  };
  const summary = `${use.name} ${use.version} would have left the job at another size in ${other.length} of ${alternatives.length} decisions.`;
  const shown = other.slice(-mostShown);
  const more = other.length - shown.length;
  const table =
    shown.length === 0 ? '' : `\n\n${formatTable(headings, shown.map(rowOf)).trimEnd()}`;
  const left = more === 0 ? '' : `\n${more} earlier ones are left out: --at, --json.`;
  context.say(`${summary}${table}${left}\n\n${caution}`, value);
}

const caution =
  'The job had its real size each time, no matter what would have been decided before, and vetoes were not asked.';

const headings = ['TIME', 'HAD', 'BECAME', 'WOULD BECOME', 'WHY'];

function rowOf({ recorded, instead }: Alternative): readonly string[] {
  const { input } = recorded;
  return [
    timeText(input.nowMs),
    String(slotsOf(input.topology, input.parallelism)),
    String(slotsAfter(recorded)),
    String(slotsAfter(instead)),
    whyOf(instead),
  ];
}

function whyOf({ outcome, result }: DecisionRecord): string {
  const reasons = outcome.kind === 'decided' ? outcome.decision.reasons : [outcome];
  return [...new Set([...reasons, ...result.effects].map(({ code }) => code))].join(', ');
}

function slotsAfter({ input, result: { action } }: DecisionRecord): number {
  return slotsOf(
    input.topology,
    action.kind === 'rescale' ? action.parallelism : input.parallelism,
  );
}

function asValue({ recorded, instead }: Alternative) {
  const { memory: _, ...decided } = recorded.result;
  const { memory: __, ...would } = instead.result;
  return {
    time: new Date(recorded.input.nowMs).toISOString(),
    parallelism: recorded.input.parallelism,
    recorded: decided,
    instead: { ...would, outcome: instead.outcome },
  };
}
