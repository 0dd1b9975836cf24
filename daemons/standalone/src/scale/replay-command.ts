import { formatTable, type Runner } from '@tessera/cli';
import { type DecisionRecord, type Replay, replay } from '@tessera/scaling';
import type { Command } from 'commander';
import { readDecisions } from './decision-file.ts';
import { replayDiffers } from './errors.ts';
import { type LoadedStrategy, Strategies } from './load-strategy.ts';

const mostShown = 20;

/** scale replay: recorded decisions are made again, and must come out the same. */
export function replayCommand(scale: Command, run: Runner): void {
  scale
    .command('replay')
    .description('make scaling decisions of a file again, and compare them bit for bit')
    .argument('<file>', 'decisions, as `tessera scale simulate --record` writes them')
    .addHelpText('after', '\nExample:\n  tessera scale replay decisions.bin\n')
    .action(
      run(async (context, file: string) => {
        const replayed = await replayAll(readDecisions(file));
        const differing = replayed.filter(({ identical }) => !identical);
        const limitsOnly = replayed.filter(({ strategyAsked }) => !strategyAsked).length;
        const asked =
          limitsOnly === 0
            ? ''
            : ` In ${limitsOnly} of them the strategy had not been asked, or had been ended.`;
        const same = `${replayed.length - differing.length} of ${replayed.length} decisions come out the same, bit for bit.${asked}`;
        const table = differing.length === 0 ? '' : `\n${differenceTable(differing)}`;
        context.say(same + table, {
          decisions: replayed.length,
          identical: replayed.length - differing.length,
          limitsOnly,
          differing,
        });
        if (differing.length > 0) throw replayDiffers(differing.length, replayed.length);
      }),
    );
}

interface ReplayedDecision extends Replay {
  readonly time: string;
  readonly job: string;
  readonly strategy: string;
  /** Set when the strategy that made it has another version now. */
  readonly recordedVersion?: string;
}

async function replayAll(records: readonly DecisionRecord[]): Promise<readonly ReplayedDecision[]> {
  await using strategies = new Strategies();
  const loaded = new Map<string, LoadedStrategy>();
  const replayed: ReplayedDecision[] = [];
  for (const record of records) {
    const { name, version, options } = record.strategy;
    const key = JSON.stringify([name, options]);
    const strategy = loaded.get(key) ?? (await strategies.load(name, optionsOf(options)));
    loaded.set(key, strategy);
    replayed.push({
      time: new Date(record.input.nowMs).toISOString(),
      job: record.job,
      strategy: `${name} ${strategy.version}`,
      ...(version !== strategy.version && { recordedVersion: version }),
      ...replay(record, strategy.strategy),
    });
  }
  return replayed;
}

const optionsOf = (text: string): unknown => (text === '' ? {} : JSON.parse(text));

function differenceTable(replayed: readonly ReplayedDecision[]): string {
  const rows = replayed.slice(0, mostShown).map((each) => {
    const { time, job, strategy, recordedVersion, differences } = each;
    const { path, recorded, replayed: now } = differences[0]!;
    const was = recordedVersion === undefined ? strategy : `${strategy}, was ${recordedVersion}`;
    return [time.slice(0, 19), job, was, path, shown(recorded), shown(now)];
  });
  return formatTable(['TIME', 'JOB', 'STRATEGY', 'FIRST DIFFERENCE', 'RECORDED', 'NOW'], rows);
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 60);
