import { resourceIdOf } from '@tessera/base';
import { layoutFromProto, listAll } from '@tessera/client';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import type { Runner } from '../runner.ts';
import { formatBytes, formatCount } from '../table.ts';
import { storageNodeCommands } from './storage-nodes.ts';

/** storage: what is stored, how much it is used, what stays in memory. */
export function storageCommands(program: Command, run: Runner): void {
  const storage = program.command('storage').description('what is stored, and how much it is used');

  storage
    .command('stat', { isDefault: true })
    .description('rows, bytes, bytes per row and hits of each layout')
    .argument('[cube]')
    .addHelpText('after', '\nExample:\n  tessera storage stat sales\n')
    .action(
      run(async (context, name: string | undefined) => {
        const cube = name === undefined ? '' : context.cube(name);
        const stats = await context.client.storage.getStats({ cube });
        const dimensions = await dimensionsOfLayouts(context, stats.layouts);
        context.print(
          [
            'CUBE',
            'LAYOUT',
            'DIMENSIONS',
            'SEGMENTS',
            'ROWS',
            'BYTES',
            'B/ROW',
            'MEMORY',
            'HITS',
            'NOTES',
          ],
          stats.layouts.map((layout) => [
            resourceIdOf(layout.cube),
            layout.layout,
            dimensions.get(layout.layout)?.join(', ') ?? '',
            String(layout.segmentCount),
            formatCount(layout.rowCount),
            formatBytes(layout.sizeBytes),
            layout.bytesPerRow.toFixed(2),
            formatBytes(layout.memoryBytes),
            formatCount(layout.hitCount),
            [
              layout.pinned ? 'pinned' : '',
              layout.quarantinedSegments > 0 ? `${layout.quarantinedSegments} quarantined` : '',
            ]
              .filter((note) => note !== '')
              .join(', '),
          ]),
          stats,
        );
        if (!context.options.json) {
          context.terminal.out(
            `in memory ${formatBytes(stats.memoryBytes)} of ${formatBytes(stats.memoryBudgetBytes)}, on disk ${formatBytes(stats.diskBytes)}\n`,
          );
        }
      }),
    );

  for (const [word, pinned] of [
    ['pin', true],
    ['unpin', false],
  ] as const) {
    storage
      .command(word)
      .description(
        pinned ? 'keep layouts in memory whatever the budget says' : 'let layouts be evicted again',
      )
      .argument('<cube>')
      .argument('[layouts...]', 'ids; none: all of the cube')
      .addHelpText('after', `\nExample:\n  tessera storage ${word} sales\n`)
      .action(
        run(async (context, name: string, layouts: string[]) => {
          const cube = context.cube(name);
          const done = await context.client.storage.pinLayouts({ cube, layouts, pinned });
          context.say(`pinned now: ${done.pinnedLayouts.join(', ') || 'none'}`, done);
        }),
      );
  }

  storageNodeCommands(storage, run);

  storage
    .command('verify')
    .description('read all files again and compare their digests')
    .addHelpText('after', '\nExample:\n  tessera storage verify\n')
    .action(
      run(async (context) => {
        const done = await context.client.storage.verifyFiles({ files: [] });
        const bad = done.quarantinedFiles;
        context.say(
          `verified ${done.verifiedFiles} files (${formatBytes(done.verifiedBytes)})${bad.length > 0 ? `; quarantined:\n${bad.join('\n')}` : ''}`,
          done,
        );
        if (bad.length > 0) process.exitCode = 1;
      }),
    );
}

/** Storage knows files, not what they mean: the dimensions of a layout are in the metadata of its segments. */
async function dimensionsOfLayouts(
  context: CommandContext,
  layouts: readonly { readonly cube: string }[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  for (const parent of new Set(layouts.map(({ cube }) => cube))) {
    const { resources } = await listAll(context.client, 'segments', { parent });
    for (const layout of resources.flatMap((segment) => segment.layouts.map(layoutFromProto))) {
      const names = layout.columns.filter(({ role }) => role === 'dimension');
      found.set(
        layout.id,
        names.map(({ name }) => name),
      );
    }
  }
  return found;
}
