import { resourceIdOf } from '@tessera/base';
import { listAll } from '@tessera/client';
import { metadata } from '@tessera/proto';
import type { Command } from 'commander';
import { freshnessOf } from '../freshness.ts';
import type { Runner } from '../runner.ts';
import { formatBytes, formatCount } from '../table.ts';

/** status: the cubes of a project at a glance. */
export function statusCommand(program: Command, run: Runner): void {
  program
    .command('status')
    .description('cubes, segments, memory and running work at a glance')
    .addHelpText('after', '\nExample:\n  tessera status\n')
    .action(
      run(async (context) => {
        const { client } = context;
        const [cubes, segments, stats, running] = await Promise.all([
          listAll(client, 'cubes', { parent: context.project }),
          listAll(client, 'segments', { parent: `${context.project}/cubes/-` }),
          client.storage.getStats({ cube: '' }),
          client.queries.listQueries({}),
        ]);
        const known =
          segments.resources.length > 0
            ? await freshnessOf(client, `${context.project}/cubes/-`)
            : new Map();
        const ready = segments.resources.filter(
          ({ state }) => state === metadata.SegmentState.SEGMENT_STATE_READY,
        );
        const rows = cubes.resources.map(({ name }) => {
          const own = ready.filter((segment) => segment.name.startsWith(`${name}/`));
          const sum = (pick: (segment: metadata.Segment) => bigint) =>
            own.reduce((total, s) => total + pick(s), 0n);
          return [
            resourceIdOf(name),
            String(own.length),
            String(own.filter((s) => known.get(s.name)?.freshness === 'stale').length),
            formatCount(sum(({ sourceRows }) => sourceRows)),
            formatBytes(
              sum(({ layouts }) => layouts.reduce((total, { sizeBytes }) => total + sizeBytes, 0n)),
            ),
          ];
        });
        context.print(['CUBE', 'SEGMENTS', 'STALE', 'ROWS', 'BYTES'], rows, {
          cubes: rows,
          stats,
          queries: running.queries,
        });
        if (context.options.json) return;
        context.terminal.out(
          `in memory ${formatBytes(stats.memoryBytes)} of ${formatBytes(stats.memoryBudgetBytes)}; ${running.queries.length} queries running\n`,
        );
      }),
    );
}
