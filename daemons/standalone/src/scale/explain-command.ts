import { type Runner, wholeNumber } from '@tessera/cli';
import { type DecisionRecord, explain, isEventful } from '@tessera/scaling';
import type { Command } from 'commander';
import { readDecisions } from './decision-file.ts';

/** scale explain: recorded decisions in words. */
export function explainCommand(scale: Command, run: Runner): void {
  scale
    .command('explain')
    .description('say what scaling decisions of a file came from, and what they rejected')
    .argument('<file>', 'decisions, as `tessera scale simulate --record` writes them')
    .option('--last <n>', 'so many of the newest', '10')
    .option('--all', 'also those in which a job just stayed as it was', false)
    .addHelpText('after', '\nExample:\n  tessera scale explain decisions.bin --last 3\n')
    .action(
      run(async (context, file: string, options: { last: string; all: boolean }) => {
        const last = wholeNumber(options.last, '--last', { min: 1 });
        const decisions = readDecisions(file);
        const chosen = decisions.filter((each) => options.all || isEventful(each)).slice(-last);
        const left = decisions.length - chosen.length;
        const more =
          left === 0
            ? ''
            : `\n${left} more ${left === 1 ? 'is' : 'are'} in ${file}: --all, --last.`;
        const text = chosen.map((record) => explain(record).join('\n')).join('\n\n');
        context.say(
          text === '' ? `Nothing was changed, held back or failed.${more}` : text + more,
          { decisions: chosen.map(asValue) },
        );
      }),
    );
}

function asValue(record: DecisionRecord) {
  const { job, strategy, input, outcome, vetoes, result } = record;
  const { memory: _, ...done } = result;
  return {
    time: new Date(input.nowMs).toISOString(),
    job,
    strategy: { name: strategy.name, version: strategy.version },
    parallelism: input.parallelism,
    outcome,
    vetoes,
    result: done,
    words: explain(record),
  };
}
