import type { Command } from 'commander';
import { observeClusters } from '../../flink/observe-clusters.ts';
import { isAsWanted, statusText } from '../../flink/status-view.ts';
import type { Runner } from '../../runner.ts';

/** flink status: clusters, their processes and jobs, and what is not as it should be. */
export function statusCommand(flink: Command, run: Runner): void {
  flink
    .command('status')
    .description(
      'clusters with their processes, slots, conditions and jobs (exit code 1: not all is as wanted)',
    )
    .argument('[cluster]')
    .addHelpText('after', '\nExample:\n  tessera flink status orders\n')
    .action(
      run(async (context, only: string | undefined) => {
        const observed = await observeClusters(context.client, only, context.signal);
        const none = "There is no Flink cluster: 'tessera flink up FILE' makes one.";
        const text = observed.length === 0 ? none : observed.map(statusText).join('\n');
        context.say(text.trimEnd(), observed);
        if (!observed.every(isAsWanted)) process.exitCode = 1;
      }),
    );
}
