import { parseArgs } from 'node:util';
import type { Benchmark, Reach } from '../benchmark.ts';
import { median } from '../statistics.ts';
import { printProfile } from './print.ts';
import { type GoalFigure, type Profile, profiles, type RivalFigures } from './profiles.ts';
import { type Run, runProfile } from './run-profile.ts';

const units: Readonly<Record<GoalFigure, string>> = {
  rescales: 'rescales',
  enoughCapacitySeconds: 's',
  backlogGoneSeconds: 's',
  jobSlotSeconds: 'slot-seconds',
  providedSlotSeconds: 'slot-seconds',
  taskManagersGoneSeconds: 's',
  largestBacklogSeconds: 's of load',
  decisionsAfterKill: 'decisions',
};

/** The scheduler keeps a real Flink the right size under five loads, beside what Flink's own autoscaler did with them. */
export const scaleRealBenchmark: Benchmark = {
  name: 'scale-real',
  summary:
    'scaling a real Flink on four hosts [--only S1,…] [--runs 3] [--strategy PACKAGE] [--options JSON]; takes minutes a run',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', default: profiles.map(({ name }) => name).join() },
        runs: { type: 'string', default: '3' },
        strategy: { type: 'string', default: '' },
        options: { type: 'string', default: '' },
      },
    });
    const chosen = profiles.filter(({ name }) => values.only.split(',').includes(name));
    const measured: { readonly profile: Profile; readonly runs: readonly Run[] }[] = [];
    for (const profile of chosen) {
      const runs: Run[] = [];
      for (let run = 0; run < Number(values.runs); run++) {
        runs.push(await runProfile(profile, values));
        console.error(`${profile.name}, run ${run + 1}: done`);
      }
      printProfile(profile, runs);
      measured.push({ profile, runs });
    }
    return {
      reach: measured.flatMap(({ profile, runs }) => reachOf(profile, runs)),
      details: { measured },
    };
  },
};

function reachOf(profile: Profile, runs: readonly Run[]): Reach[] {
  const id = (figure: string) => `${profile.name}-${figure.replace(/Seconds$/, '')}`;
  const wrong = runs.map(
    ({ missing, verdict }) => missing + verdict.lost + verdict.doubled + verdict.wrongStates,
  );
  return [
    ...profile.goals.map(({ figure, atMost }): Reach => {
      const value = median(runs.map(({ figures }) => figures[figure] ?? Number.POSITIVE_INFINITY));
      const rivalValue = profile.rival?.[figure as keyof RivalFigures];
      const beside = rivalValue !== undefined && { rival: "Flink's autoscaler", rivalValue };
      return { id: id(figure), value, op: '<=', target: atMost, unit: units[figure], ...beside };
    }),
    { id: id('sink-wrong'), value: Math.max(...wrong), op: '<=', target: 0, unit: 'records' },
  ];
}
