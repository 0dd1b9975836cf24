import { scheduler } from '@tessera/proto';
import type { Command } from 'commander';
import { readText } from '../arguments.ts';
import type { Runner } from '../runner.ts';
import { formatBytes, formatCount, formatMicros, formatTable } from '../table.ts';

/** plan: which cuboids a byte budget is best spent on. */
export function planCommand(program: Command, run: Runner): void {
  program
    .command('plan')
    .description('choose cuboids under a byte budget, and say what each costs and gives')
    .argument('<cube>')
    .option(
      '--budget <size>',
      "0.2x of the source's bytes, or bytes such as 512MB (default: the cube's)",
    )
    .option('--queries <file>', 'SQL statements, separated by semicolons, to plan for')
    .option('--apply', 'keep the chosen cuboids from now on', false)
    .addHelpText('after', '\nExample:\n  tessera plan sales --budget 0.1x\n')
    .action(
      run(
        async (
          context,
          name: string,
          options: { budget?: string; queries?: string; apply: boolean },
        ) => {
          const statements =
            options.queries === undefined ? [] : readText(options.queries).split(';');
          const operation = await context.client.builds.planCube({
            cube: context.cube(name),
            budget: options.budget ?? '',
            queries: statements
              .filter((sql) => sql.trim() !== '')
              .map((sql) => ({ sql, weight: 1 })),
            apply: options.apply,
          });
          const plan = await context.follow(operation, scheduler.PlanCubeResponse);
          context.say(describe(plan), plan);
        },
      ),
    );
}

function describe(plan: scheduler.PlanCubeResponse): string {
  const table = formatTable(
    ['', 'DIMENSIONS', 'ROWS', 'BYTES', 'SAVES', 'QUERY', 'WEIGHT', 'WHY'],
    plan.candidates.map((candidate) => [
      candidate.taken ? '+' : '-',
      candidate.dimensions.join(', ') || '(total)',
      formatCount(candidate.rowCount),
      formatBytes(candidate.sizeBytes),
      formatMicros(candidate.benefitMicros),
      formatMicros(candidate.queryMicros),
      candidate.answeredWeight.toFixed(1),
      candidate.reason,
    ]),
  );
  const refusals = plan.refusals.map(
    ({ query, reasonCode, reason }) => `not answered: ${query.trim()}\n  ${reason} (${reasonCode})`,
  );
  return [
    table,
    `planned ${formatBytes(plan.plannedBytes)} of ${formatBytes(plan.budgetBytes)}; source ${formatBytes(plan.sourceBytes)}, ${formatCount(plan.sourceRows)} rows (${formatCount(plan.sampledRows)} sampled)`,
    `predicted time of the workload: ${formatMicros(plan.workloadMicrosBefore)} without, ${formatMicros(plan.workloadMicrosAfter)} with these cuboids`,
    ...refusals,
  ].join('\n');
}
