import { scheduler } from '@tessera/proto';
import type { Command } from 'commander';
import { idOf } from '../apply.ts';
import type { Runner } from '../runner.ts';

/** operations: long-running work, past and present. */
export function operationCommands(program: Command, run: Runner): void {
  const operations = program.command('operations').description('long-running work');

  operations
    .command('list', { isDefault: true })
    .description('list operations')
    .addHelpText('after', '\nExample:\n  tessera operations\n')
    .action(
      run(async (context) => {
        const { operations: found } = await context.client.operations.listOperations({
          pageSize: 100,
        });
        const rows = found.map((operation) => {
          const progress =
            operation.metadata && scheduler.BuildProgress.decode(operation.metadata.value);
          const state = !operation.done
            ? 'running'
            : operation.result?.$case === 'error'
              ? 'failed'
              : 'done';
          const error = operation.result?.$case === 'error' ? operation.result.value.message : '';
          return [
            idOf(operation.name),
            progress?.kind ?? '',
            idOf(progress?.cube ?? ''),
            state,
            progress?.phase ?? '',
            error,
          ];
        });
        context.print(['OPERATION', 'KIND', 'CUBE', 'STATE', 'PHASE', 'ERROR'], rows, found);
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
