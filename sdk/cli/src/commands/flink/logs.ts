import { resourceIdOf } from '@tessera/base';
import type { Command } from 'commander';
import { processesOf, processNamed } from '../../flink/processes.ts';
import { watchedCluster } from '../../flink-view.ts';
import type { Runner } from '../../runner.ts';
import { type LogOptions, printLogs, withLogOptions } from '../process-logs.ts';
import { processUnknown } from './errors.ts';

/** flink logs: what processes of a cluster have printed, wherever they are. */
export function logsCommand(flink: Command, run: Runner): void {
  withLogOptions(
    flink
      .command('logs')
      .description('what a process of a cluster has printed, from the host that it is on')
      .argument('<cluster>')
      .argument('[process]', 'jm, tm-1, sql, …', 'jm'),
  )
    .addHelpText('after', '\nExample:\n  tessera flink logs orders tm-1 --follow\n')
    .action(
      run(async (context, id: string, given: string, options: LogOptions) => {
        const cluster = await watchedCluster(context.client, id);
        const found = processNamed(cluster, given);
        if (found === undefined) {
          const known = processesOf(cluster).map(({ short }) => short);
          throw processUnknown(id, given, known);
        }
        await printLogs(context, resourceIdOf(found.host), found.process, options);
      }),
    );
}
