import { Code, resourceIdOf, TesseraError } from '@tessera/base';
import { scheduler } from '@tessera/proto';
import type { Command } from 'commander';
import type { Runner } from '../runner.ts';
import { formatBytes, formatCount, formatMicros } from '../table.ts';

/** build: what is missing or stale; refresh: what is stale. */
export function buildCommands(program: Command, run: Runner): void {
  program
    .command('build')
    .description('build what a cube lacks, or all of it again')
    .argument('<cube>')
    .option('--from <date>', 'only segments from this date on (2001-01-01)')
    .option('--to <date>', 'only segments before this date')
    .option('--force', 'build also what is READY and current', false)
    .addHelpText('after', '\nExample:\n  tessera build sales --from 2024-01-01\n')
    .action(
      run(
        async (context, name: string, options: { from?: string; to?: string; force: boolean }) => {
          const operation = await context.client.builds.buildSegments({
            cube: context.cube(name),
            force: options.force,
            ...(options.from === undefined ? {} : { startMicros: microsOf(options.from) }),
            ...(options.to === undefined ? {} : { endMicros: microsOf(options.to) }),
          });
          const done = await context.follow(operation, scheduler.BuildSegmentsResponse);
          context.say(buildSummary(done), done);
        },
      ),
    );

  program
    .command('refresh')
    .description('build stale segments again')
    .argument('<cube>')
    .argument('[segments...]', 'only these')
    .option('--force', 'also those that are not stale', false)
    .addHelpText('after', '\nExample:\n  tessera refresh sales 2024-03\n')
    .action(
      run(async (context, name: string, segments: string[], options: { force: boolean }) => {
        const cube = context.cube(name);
        const operation = await context.client.builds.refreshSegments({
          cube,
          force: options.force,
          segments: segments.map((id) => `${cube}/segments/${id}`),
        });
        const done = await context.follow(operation, scheduler.BuildSegmentsResponse);
        context.say(buildSummary(done), done);
      }),
    );
}

/** One line for people. */
export function buildSummary(done: scheduler.BuildSegmentsResponse): string {
  if (done.segments.length === 0) return 'nothing to build: every segment is READY and current';
  const unmatched = Object.entries(done.unmatchedRows).filter(([, rows]) => rows > 0n);
  const lines = [
    `published ${done.segments.length} segments (${done.segments.map(resourceIdOf).join(', ')}): ` +
      `${formatCount(done.sourceRows)} rows into ${formatCount(done.layoutCount)} cuboid files, ` +
      `${formatBytes(done.sizeBytes)}, in ${formatMicros(done.durationMicros)}`,
    ...unmatched.map(([alias, rows]) => `${formatCount(rows)} rows find no partner in ${alias}`),
    ...(done.rejectedRows > 0n
      ? [`${formatCount(done.rejectedRows)} rows of the source did not parse and are left out`]
      : []),
  ];
  return lines.join('\n');
}

/** Microseconds of a date or timestamp without zone. */
export function microsOf(text: string): bigint {
  const millis = /^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?)?$/.test(text)
    ? Date.parse(`${text.replace(' ', 'T')}${text.length > 10 ? '' : 'T00:00'}Z`)
    : Number.NaN;
  if (!Number.isNaN(millis)) return BigInt(millis) * 1000n;
  throw new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_DATE',
    message: `${JSON.stringify(text)} is not a date: write 2001-01-31 or 2001-01-31T12:00.`,
    metadata: { text },
  });
}
