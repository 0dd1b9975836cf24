import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endOnSignals, FlinkStage } from '@tessera/testkit/flink-stage';
import type { Benchmark, Reach } from '../benchmark.ts';
import { loadClusterSpec, loadJobSpec, splits } from '../flink/load-job.ts';
import { putFlink } from '../flink/put-flink.ts';
import { longestGapMs, readSink, type SinkLine, verdictOf } from '../flink/sink-content.ts';
import { suspendLoadJob } from '../flink/suspend-load-job.ts';
import { untilSettled } from '../flink/until-job.ts';
import { median } from '../statistics.ts';
import { type BlowFigures, blows, deal } from './blows.ts';
import { deploy } from './deploy.ts';
import { printRounds } from './print.ts';
import { dealt, figuresOf, type Round } from './round.ts';

const hosts = 3;
const taskManagers = 2;
const targetSeconds = 30;
const profile = '0:500';
/** What was done since the newest checkpoint is done again, so a gap begins before the blow. */
const aroundMs = 8_000;

/** From `apply` on empty hosts to the job running; then what a job loses by rescales and by losses, with its sink checked. */
export const flinkDeployBenchmark: Benchmark = {
  name: 'flink-deploy',
  summary: 'a Flink job on empty hosts, rescaled and struck [--runs 3] [--deploy-only]',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        runs: { type: 'string', default: '3' },
        'deploy-only': { type: 'boolean', default: false },
      },
    });
    const rounds: Round[] = [];
    for (let run = 0; run < Number(values.runs); run++) {
      rounds.push(await measure(values['deploy-only']));
      console.error(`run ${run + 1}: done`);
    }
    printRounds(rounds);
    return { reach: reachOf(rounds), details: { rounds: rounds.map(plain) } };
  },
};

async function measure(deployOnly: boolean): Promise<Round> {
  const starting = FlinkStage.start(hosts);
  await using _ = endOnSignals(starting);
  await using stage = await starting;
  const { stateDirectory } = stage;
  const { bundle, jar } = await putFlink(stage);
  const out = join(stage.folder, 'sink');
  const cluster = loadClusterSpec({ bundle, stateDirectory, taskManagers });
  const job = loadJobSpec(jar, { profile, startMs: Date.now(), out });
  const timeline = await deploy(stage, { cluster, job });
  const figures: BlowFigures[] = [];
  for (const blow of deployOnly ? [] : blows) {
    if (blow.mend !== undefined && !stage.hasNetwork) continue;
    await untilSettled(stage);
    figures.push(await deal(blow, stage));
    blow.mend?.(stage);
    console.error(`${blow.name}: ${figures.at(-1)!.runningSeconds.toFixed(1)} s`);
  }
  await untilSettled(stage);
  await suspendLoadJob(stage.client);
  const lines = await readSink(out);
  return {
    timeline,
    blows: figures.map((each) => ({ ...each, gapSeconds: gapOf(each, lines) })),
    verdict: verdictOf(lines, splits),
  };
}

function gapOf({ fromMs, toMs }: BlowFigures, lines: readonly SinkLine[]): number {
  return longestGapMs(lines, { fromMs: fromMs - aroundMs, toMs: toMs + aroundMs }) / 1_000;
}

function reachOf(rounds: readonly Round[]): Reach[] {
  const deployed = rounds.map(({ timeline }) => timeline.get('job runs')!);
  const wrong = rounds.map(({ verdict }) => verdict.lost + verdict.doubled + verdict.wrongStates);
  return [
    { id: 'flink-deploy', value: median(deployed), op: '<=', target: targetSeconds, unit: 's' },
    { id: 'flink-sink-wrong', value: Math.max(...wrong), op: '<=', target: 0, unit: 'records' },
    ...dealt(rounds).map(({ name, byHand }): Reach => {
      const value = median(figuresOf(rounds, name).map(({ gapSeconds }) => gapSeconds));
      const rival = { rival: 'by hand', rivalValue: byHand.gap };
      const id = `flink-gap-${name.replaceAll(' ', '-').toLowerCase()}`;
      return { id, value, op: '<=', target: byHand.gap, unit: 's', ...rival };
    }),
  ];
}

function plain({ timeline, ...others }: Round) {
  return { timeline: Object.fromEntries(timeline), ...others };
}
