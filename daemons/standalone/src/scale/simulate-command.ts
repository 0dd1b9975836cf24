import { setImmediate } from 'node:timers/promises';
import { positiveNumber, type Runner, readText, wholeNumber } from '@tessera/cli';
import type { Measures, SimulatedJob, TraceKind } from '@tessera/flink-simulator';
import type { ScalingLimits } from '@tessera/scaling';
import { type Command, Option } from 'commander';
import { DecisionFile } from './decision-file.ts';
import { scaleOptionInvalid, simulationNameUnknown } from './errors.ts';
import { type LoadedStrategy, Strategies } from './load-strategy.ts';
import { optionsJson, parseJson } from './parse-json.ts';
import { parseLimits } from './parse-limits.ts';
import { Report } from './report.ts';

interface SimulateOptions {
  readonly strategy: readonly string[];
  readonly trace: string;
  readonly job: string;
  readonly options?: string;
  readonly limits?: string;
  readonly seed: string;
  readonly days: string;
  readonly record?: string;
  readonly report?: string;
}

const fewestDays = 0.05;
const mostDays = 60;

/** scale simulate: a job under a load, in seconds instead of days. */
export function simulateCommand(scale: Command, run: Runner): void {
  scale
    .command('simulate')
    .description('let strategies keep a simulated job the right size, and say how well they do')
    .addOption(
      new Option(
        '--strategy <name...>',
        'forecast, flink-autoscaler, ds2, threshold, schedule, or packages',
      ).default(['forecast']),
    )
    .option('--options <json>', 'configuration of the strategy, when there is one')
    .option('--trace <name>', 'how the load goes; `list` names all', 'diurnal')
    .option('--job <name>', 'what is simulated; `list` names all', 'pipeline')
    .option('--limits <file>', 'bounds, cooldowns, windows and rollback, as JSON')
    .option('--seed <n>', 'another draw of load, job and faults of metrics', '1')
    .option('--days <n>', `simulated days, at most ${mostDays}`, '3')
    .option('--record <file>', 'write decisions, for `scale replay` and `scale explain`')
    .option('--report <folder>', 'write tables and plots, as a page of HTML and as PNG')
    .addHelpText(
      'after',
      '\nExample:\n  tessera scale simulate --trace steps --strategy forecast flink-autoscaler --record decisions.bin\n  tessera scale simulate --trace ramp --seed 101 --strategy forecast flink-autoscaler --report ramp\n',
    )
    .action(
      run(async (context, options: SimulateOptions) => {
        const simulator = await import('@tessera/flink-simulator');
        const traces = Object.values(simulator.simulatedTraces).filter(isTraceKind);
        const jobs = Object.values<SimulatedJob>(simulator.simulatedJobs);
        if (options.trace === 'list' || options.job === 'list') {
          const named = options.trace === 'list' ? traces : jobs;
          context.say(
            named.map(({ name }) => name).join('\n'),
            named.map(({ name }) => name),
          );
          return;
        }
        const traceKind = named('trace', traces, options.trace);
        const scenario = simulator.simulationSuite.scenarioOf(
          { trace: traceKind, job: named('job', jobs, options.job) },
          wholeNumber(options.seed, '--seed', { min: 0, max: 2 ** 31 }),
          daysOf(options.days),
        );
        const limits = options.limits === undefined ? undefined : limitsFile(options.limits);
        await using strategies = new Strategies();
        const contestants = await loadAll(strategies, options);
        const file = options.record === undefined ? undefined : new DecisionFile(options.record);
        const report = options.report === undefined ? undefined : await Report.open(options.report);
        const results: Result[] = [];
        for (const { strategy, ...use } of contestants) {
          await setImmediate(); // So that an interrupt is heard.
          context.signal.throwIfAborted();
          const onMoment = report?.watch(shortName(use.name), scenario.job);
          const measures = simulator.simulate(scenario, strategy, {
            ...(limits !== undefined && { limits }),
            ...(file && { recording: { strategy: use, record: (each) => file.add(each) } }),
            ...(onMoment && { onMoment }),
          });
          results.push({ strategy: use.name, ...measures });
        }
        const plan = simulator.oraclePlan(scenario.job, scenario.trace, {
          rescaleCost: simulator.simulationSuite.rescaleCost,
          segmentSeconds: simulator.simulationSuite.oracleSegmentSeconds,
          maxLagSeconds: scenario.maxLagMs / 1000,
        });
        const { trace, job, seed } = options;
        context.print(headings, rowsOf(results, plan.slotHours), {
          trace,
          job,
          seed,
          oracleSlotHours: plan.slotHours,
          results,
        });
        if (file !== undefined) {
          context.terminal.err(`wrote ${file.write()} decisions to ${options.record}\n`);
        }
        if (report !== undefined) {
          const runs = results.map(({ strategy, ...run }) => [shortName(strategy), run] as const);
          const page = await report.write({ scenario, plan, trace: traceKind, runs });
          context.terminal.err(`wrote ${page}\n`);
        }
      }),
    );
}

interface Result extends Measures {
  readonly strategy: string;
}

const headings = [
  'STRATEGY',
  'SLOT-HOURS',
  'x ORACLE',
  'RESCALES',
  '% > 30 s LAG',
  '% > 120 s',
  'WORST LAG',
  'HELD BACK',
  'TAKEN BACK',
  'FAILURES',
];

function rowsOf(results: readonly Result[], oracle: number): readonly (readonly string[])[] {
  const rows = results.map((result) => [
    shortName(result.strategy),
    result.slotHours.toFixed(1),
    (result.slotHours / oracle).toFixed(2),
    String(result.rescales),
    result.over30.toFixed(2),
    result.over120.toFixed(2),
    `${result.maxLagSeconds.toFixed(0)} s`,
    String(result.held),
    String(result.rollbacks),
    String(result.failures),
  ]);
  return [...rows, ['oracle', oracle.toFixed(1), '1.00', ...Array.from({ length: 7 }, () => '')]];
}

const shortName = (strategy: string): string => strategy.replace('@tessera/strategy-', '');

function loadAll(
  strategies: Strategies,
  { strategy, options }: SimulateOptions,
): Promise<readonly LoadedStrategy[]> {
  if (options !== undefined && strategy.length !== 1) {
    throw scaleOptionInvalid('--options', 'it is of one strategy, so give one --strategy');
  }
  const config = optionsJson('--options', options);
  return Promise.all(strategy.map((name) => strategies.load(name, config)));
}

const limitsFile = (file: string): ScalingLimits =>
  parseLimits(file, parseJson(file, readText(file)));

function named<T extends { readonly name: string }>(
  kind: 'trace' | 'job',
  known: readonly T[],
  name: string,
): T {
  const found = known.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw simulationNameUnknown(
    kind,
    name,
    known.map((each) => each.name),
  );
}

function daysOf(text: string): number {
  const days = positiveNumber(text, '--days');
  if (days >= fewestDays && days <= mostDays) return days;
  throw scaleOptionInvalid('--days', `give ${fewestDays} to ${mostDays}`);
}

const isTraceKind = (value: unknown): value is TraceKind =>
  typeof value === 'object' && value !== null && 'draw' in value;
