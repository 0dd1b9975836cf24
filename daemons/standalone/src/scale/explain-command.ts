import { formatTable, type Runner, wholeNumber } from '@tessera/cli';
import {
  type DecisionRecord,
  type Explanation,
  explain,
  slotsOf,
  timeText,
} from '@tessera/scaling';
import type { Command } from 'commander';
import {
  chosenEntries,
  type DecisionEntry,
  type DecisionSource,
  decisionSource,
  readAll,
  type SourceOptions,
} from './decision-source.ts';
import { parseTime } from './parse-time.ts';

interface ExplainOptions extends SourceOptions {
  readonly last: string;
  readonly at?: string;
  readonly changes: boolean;
}

/** Decisions that are read in search of the one that gave a job its size. */
const mostSearched = 50;

/** scale explain: why a job has the size that it has. */
export function explainCommand(scale: Command, run: Runner): void {
  scale
    .command('explain')
    .description(
      'say why a job has the size it has: what was seen, expected, weighed and held back',
    )
    .argument('[job]', 'a Flink job of the platform')
    .option('--file <file>', 'instead, decisions that `tessera scale simulate --record` wrote')
    .option('--last <n>', 'so many of the newest decisions', '1')
    .option('--at <time>', 'the newest until then, such as 2026-11-29T09:12:03Z')
    .option('--changes', 'only those that changed, held back or failed at something', false)
    .addHelpText(
      'after',
      '\nExample:\n  tessera scale explain orders\n  tessera scale explain orders --changes --last 5\n  tessera scale explain --file decisions.bin --at 1970-01-02T06:00:00Z\n',
    )
    .action(
      run(async (context, job: string | undefined, options: ExplainOptions) => {
        const last = wholeNumber(options.last, '--last', { min: 1 });
        const at = options.at === undefined ? {} : { atMs: parseTime(options.at, '--at') };
        const source = await decisionSource(context, job, options);
        const entries = chosenEntries(source, { last, ...at, changes: options.changes });
        const records = await readAll(entries);
        if (context.options.json) {
          context.say('', { decisions: records.map(asValue) });
          return;
        }
        const text = records.map((record) => explanationText(explain(record)));
        const origin = await originText(source, records.at(-1));
        context.terminal.out(`${[...text, ...origin].join('\n\n') || nothingText}\n`);
      }),
    );
}

const nothingText = 'Nothing was changed, held back or failed.';

function explanationText({ headline, facts, tables }: Explanation): string {
  const shown = tables.map(({ title, headings, rows }) =>
    [`  ${title}:`, ...indented(formatTable(headings, rows))].join('\n'),
  );
  const lines = [headline, ...facts.map((fact) => `  ${fact}`)].join('\n');
  return [lines, ...shown].join('\n\n');
}

const indented = (text: string): readonly string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `    ${line}`);

/** Since when the job has had its size, when the decision that is shown last left it as it was. */
async function originText(
  { entries }: DecisionSource,
  shown: DecisionRecord | undefined,
): Promise<readonly string[]> {
  if (shown === undefined || shown.result.action.kind === 'rescale') return [];
  const { input } = shown;
  const slots = slotsOf(input.topology, input.parallelism);
  const had = slots === 1 ? 'The 1 slot' : `The ${slots} slots`;
  const before = entries.filter(({ timeMs, eventful }) => eventful && timeMs < input.nowMs);
  const change = await lastChange(before);
  if (change === undefined) return [`${had} that it has come from no decision that is kept.`];
  const time = timeText(change.input.nowMs);
  return [`${had} that it has come from the decision of ${time}: look at it with --at ${time}.`];
}

async function lastChange(eventful: readonly DecisionEntry[]): Promise<DecisionRecord | undefined> {
  for (const entry of eventful.slice(-mostSearched).reverse()) {
    const record = await entry.read();
    if (record?.result.action.kind === 'rescale') return record;
  }
  return undefined;
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
    explanation: explain(record),
  };
}
