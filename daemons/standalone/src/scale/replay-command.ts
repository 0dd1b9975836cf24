import { formatTable, type Runner, wholeNumber } from '@tessera/cli';
import { asksStrategy, type DecisionRecord, type Replay, replay } from '@tessera/scaling';
import type { Command } from 'commander';
import { chosenEntries, decisionSource, readAll, type SourceOptions } from './decision-source.ts';
import { replayDiffers, scaleOptionInvalid } from './errors.ts';
import { type LoadedStrategy, Strategies } from './load-strategy.ts';
import { optionsJson } from './parse-json.ts';
import { parseTime } from './parse-time.ts';
import { replayInstead } from './replay-instead.ts';

interface ReplayOptions extends SourceOptions {
  readonly last?: string;
  readonly at?: string;
  readonly strategy?: string;
  readonly options?: string;
}

const mostShown = 20;

/** scale replay: recorded decisions are made again, and must come out the same; or what another strategy would have made of them. */
export function replayCommand(scale: Command, run: Runner): void {
  scale
    .command('replay')
    .description(
      'make scaling decisions again from what was recorded, and compare them bit for bit',
    )
    .argument('[job]', 'a Flink job of the platform')
    .option('--file <file>', 'instead, decisions that `tessera scale simulate --record` wrote')
    .option('--last <n>', 'so many of the newest decisions; default: all that are kept')
    .option('--at <time>', 'none after that, such as 2026-11-29T09:12:03Z')
    .option('--strategy <name>', 'show what this strategy would have decided instead')
    .option('--options <json>', 'of --strategy')
    .addHelpText(
      'after',
      '\nExample:\n  tessera scale replay orders\n  tessera scale replay orders --strategy threshold\n  tessera scale replay --file decisions.bin\n',
    )
    .action(
      run(async (context, job: string | undefined, options: ReplayOptions) => {
        const { last, at, strategy } = options;
        if (options.options !== undefined && strategy === undefined) {
          throw scaleOptionInvalid('--options', 'it is of another strategy, so give --strategy');
        }
        const config = optionsJson('--options', options.options);
        const chosen = {
          ...(last !== undefined && { last: wholeNumber(last, '--last', { min: 1 }) }),
          ...(at !== undefined && { atMs: parseTime(at, '--at') }),
          changes: false,
        };
        await using strategies = new Strategies();
        const other = strategy === undefined ? undefined : await strategies.load(strategy, config);
        const source = await decisionSource(context, job, options);
        const records = await readAll(chosenEntries(source, chosen));
        if (other !== undefined) return replayInstead(context, records, other);
        const replayed = await replayAll(records, strategies);
        const differing = replayed.filter(({ identical }) => !identical);
        const limitsOnly = replayed.filter(({ strategyAsked }) => !strategyAsked).length;
        context.say(summary(replayed.length, differing, limitsOnly), {
          decisions: replayed.length,
          identical: replayed.length - differing.length,
          limitsOnly,
          differing,
        });
        if (differing.length > 0) {
          throw replayDiffers(differing.length, replayed.length, otherVersions(differing));
        }
      }),
    );
}

interface ReplayedDecision extends Replay {
  readonly time: string;
  readonly job: string;
  readonly strategy: string;
  /** Version that is installed here. */
  readonly version: string;
  /** Set when another version made it. */
  readonly recordedVersion?: string;
}

async function replayAll(
  records: readonly DecisionRecord[],
  strategies: Strategies,
): Promise<readonly ReplayedDecision[]> {
  const loaded = new Map<string, LoadedStrategy>();
  const replayed: ReplayedDecision[] = [];
  for (const record of records) {
    const { name, version, options } = record.strategy;
    const asked = asksStrategy(record) ? await load(name, options) : notNeeded;
    replayed.push({
      time: new Date(record.input.nowMs).toISOString(),
      job: record.job,
      strategy: name,
      version: asked.version,
      ...(asked !== notNeeded && version !== asked.version && { recordedVersion: version }),
      ...replay(record, asked.strategy),
    });
  }
  return replayed;

  async function load(name: string, options: string): Promise<LoadedStrategy> {
    const key = JSON.stringify([name, options]);
    const strategy = loaded.get(key) ?? (await strategies.load(name, optionsJson(name, options)));
    loaded.set(key, strategy);
    return strategy;
  }
}

/** In the place of a strategy that is not asked. */
const notNeeded = {
  version: '',
  strategy: {
    decide: () => {
      throw new Error('It is not asked.');
    },
  },
};

function summary(
  count: number,
  differing: readonly ReplayedDecision[],
  limitsOnly: number,
): string {
  const same = `${count - differing.length} of ${count} decisions come out the same, bit for bit.`;
  const asked =
    limitsOnly === 0
      ? ''
      : ` In ${limitsOnly} of them the strategy had not been asked, or had given no answer in time.`;
  return differing.length === 0
    ? `${same}${asked}`
    : `${same}${asked}\n\n${differenceTable(differing).trimEnd()}`;
}

function differenceTable(replayed: readonly ReplayedDecision[]): string {
  const rows = replayed.slice(0, mostShown).map((each) => {
    const { time, strategy, version, recordedVersion, differences } = each;
    const { path, recorded, replayed: now } = differences[0]!;
    const was = recordedVersion === undefined ? '' : `, was ${recordedVersion}`;
    return [time, `${strategy} ${version}${was}`, path, shown(recorded), shown(now)];
  });
  return formatTable(['TIME', 'STRATEGY', 'FIRST DIFFERENCE', 'RECORDED', 'NOW'], rows);
}

/** Such as `@tessera/strategy-forecast@1.0.0`: by which decisions were made that come out otherwise here. */
const otherVersions = (differing: readonly ReplayedDecision[]): readonly string[] => [
  ...new Set(
    differing.flatMap(({ strategy, recordedVersion }) =>
      recordedVersion === undefined ? [] : [`${strategy}@${recordedVersion}`],
    ),
  ),
];

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 60);
