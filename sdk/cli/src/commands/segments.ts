import { resourceIdOf } from '@tessera/base';
import { layoutFromProto, listAll, segmentFromProto } from '@tessera/client';
import type { SegmentRange, SegmentState } from '@tessera/cube';
import { scheduler } from '@tessera/proto';
import type { Command } from 'commander';
import { freshnessOf, type KnownFreshness } from '../freshness.ts';
import type { Runner } from '../runner.ts';
import { formatBytes, formatCount, formatTime } from '../table.ts';
import { buildSummary } from './build.ts';

/** segments: what is built, and merging or dropping it. */
export function segmentCommands(program: Command, run: Runner): void {
  const segments = program
    .command('segments')
    .description('list, merge or drop the segments of a cube');

  segments
    .command('list', { isDefault: true })
    .description('list segments')
    .argument('<cube>')
    .addHelpText(
      'after',
      '\nA READY segment whose source has changed since is shown as STALE.\n\nExample:\n  tessera segments sales\n',
    )
    .action(
      run(async (context, name: string) => {
        const parent = context.cube(name);
        const { resources } = await listAll(context.client, 'segments', { parent });
        const known = resources.length > 0 ? await freshnessOf(context.client, parent) : new Map();
        const rows = resources.map((resource) => {
          const segment = segmentFromProto(resource);
          const state = stateText(segment.state, known.get(resource.name));
          const quarantined = resource.layouts.filter((layout) => layout.quarantined).length;
          const bytes = resource.layouts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n);
          return [
            segment.id,
            quarantined > 0 ? `${state} (${quarantined} quarantined)` : state,
            rangeText(segment.range),
            formatCount(segment.sourceRows),
            String(segment.layouts.length),
            formatBytes(bytes),
            new Date(Number(segment.builtAt / 1000n)).toISOString().slice(0, 19),
          ];
        });
        const headings = ['SEGMENT', 'STATE', 'RANGE (UTC)', 'ROWS', 'LAYOUTS', 'BYTES', 'BUILT'];
        context.print(
          headings,
          rows,
          resources.map((r) => ({
            ...segmentFromProto(r),
            layouts: r.layouts.map(layoutFromProto),
            ...known.get(r.name),
          })),
        );
      }),
    );

  segments
    .command('merge')
    .description('make one segment of neighbouring ones')
    .argument('<cube>')
    .argument('<segments...>')
    .addHelpText('after', '\nExample:\n  tessera segments merge sales 2024-01 2024-02 2024-03\n')
    .action(
      run(async (context, name: string, ids: string[]) => {
        const cube = context.cube(name);
        const operation = await context.client.builds.mergeSegments({
          cube,
          segments: ids.map((id) => `${cube}/segments/${id}`),
        });
        const done = await context.follow(operation, scheduler.BuildSegmentsResponse);
        context.say(buildSummary(done), done);
      }),
    );

  segments
    .command('drop')
    .description('retire segments: queries read the source for their range from then on')
    .argument('<cube>')
    .argument('<segments...>')
    .addHelpText('after', '\nExample:\n  tessera segments drop sales 2024-01\n')
    .action(
      run(async (context, name: string, ids: string[]) => {
        const cube = context.cube(name);
        const operation = await context.client.builds.dropSegments({
          cube,
          segments: ids.map((id) => `${cube}/segments/${id}`),
        });
        const done = await context.follow(operation, scheduler.DropSegmentsResponse);
        context.say(`dropped ${done.segments.map(resourceIdOf).join(', ')}`, done);
      }),
    );

  segments
    .command('maintain')
    .description('do now what falls due: merges, retention, unused files')
    .argument('[cube]')
    .addHelpText('after', '\nExample:\n  tessera segments maintain sales\n')
    .action(
      run(async (context, name: string | undefined) => {
        const operation = await context.client.builds.runMaintenance({
          cube: name === undefined ? '' : context.cube(name),
        });
        const done = await context.follow(operation, scheduler.RunMaintenanceResponse);
        context.say(
          `merged into ${done.mergedSegments.map(resourceIdOf).join(', ') || 'nothing'}; retired ${done.retiredSegments.map(resourceIdOf).join(', ') || 'nothing'}; deleted ${done.deletedFiles} files (${formatBytes(done.deletedBytes)})`,
          done,
        );
      }),
    );
}

/** Only a READY segment can be stale. */
function stateText(state: SegmentState, known: KnownFreshness | undefined): string {
  return known?.freshness === 'stale' ? 'STALE' : state;
}

export function rangeText(range: SegmentRange): string {
  if (range.kind !== 'range') return range.kind;
  return `${formatTime(range.start)} .. ${formatTime(range.end)}`;
}
