import { resourceIdOf } from '@tessera/base';
import type { Command } from 'commander';
import { viewOf } from '../operation-view.ts';
import type { Runner } from '../runner.ts';

/** operations: long-running work, past and present. */
export function operationCommands(program: Command, run: Runner): void {
  const operations = program.command('operations').description('long-running work');

  operations
    .command('list', { isDefault: true })
    .description('list operations: queued, running, done, failed or cancelled')
    .addHelpText('after', '\nExample:\n  tessera operations\n')
    .action(
      run(async (context) => {
        const { operations: found } = await context.client.operations.listOperations({
          pageSize: 100,
        });
        const views = found.map(viewOf);
        const rows = views.map(({ name, kind, cube, state, progress, error }) => [
          resourceIdOf(name),
          kind,
          resourceIdOf(cube ?? ''),
          state,
          progress?.phase ?? '',
          error?.message ?? '',
        ]);
        context.print(['OPERATION', 'KIND', 'CUBE', 'STATE', 'PHASE', 'ERROR'], rows, views);
      }),
    );

  operations
    .command('cancel')
    .description('stop an operation; nothing of it is published')
    .argument('<operation>')
    .addHelpText('after', '\nExample:\n  tessera operations cancel build-3f2a\n')
    .action(
      run(async (context, id: string) => {
        const name = id.startsWith('operations/') ? id : `operations/${id}`;
        await context.client.operations.cancelOperation({ name });
        context.say(`asked ${name} to stop`, { cancelled: name });
      }),
    );
}
