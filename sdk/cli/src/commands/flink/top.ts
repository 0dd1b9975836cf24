import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@tessera/base';
import type { Command } from 'commander';
import { wholeNumber } from '../../arguments.ts';
import type { CommandContext } from '../../context.ts';
import { type Load, LoadMeter } from '../../flink/load.ts';
import { loadLines, loadTables } from '../../flink/load-view.ts';
import { LiveScreen } from '../../live-screen.ts';
import type { Runner } from '../../runner.ts';

interface TopOptions {
  readonly once: boolean;
  readonly interval: string;
}

/** flink top: what clusters and jobs have to do, as it changes. */
export function topCommand(flink: Command, run: Runner): void {
  flink
    .command('top')
    .description(
      'load, lag, how busy, parallelism and slots of jobs, as they change; plain lines where no terminal is',
    )
    .argument('[cluster]')
    .option('--once', 'print one measurement and end', false)
    .option('--interval <seconds>', 'between measurements', '2')
    .addHelpText(
      'after',
      "\nNumbers come from the JobManagers' REST interfaces; '-' stands for what is not known, as where this machine does not reach one.\n\nExample:\n  tessera flink top orders\n",
    )
    .action(
      run(async (context, only: string | undefined, options: TopOptions) => {
        const range = { min: 1, max: 3600 };
        const intervalMs = wholeNumber(options.interval, '--interval', range) * 1000;
        const meter = new LoadMeter(context.client, only);
        const first = await meter.look(context.signal);
        if (options.once) {
          await sleep(intervalMs, undefined, { signal: context.signal });
          const load = await meter.look(context.signal);
          context.say(loadTables(load).trimEnd(), load);
          return;
        }
        await watchLoad(context, meter, first, intervalMs);
      }),
    );
}

/** Until it is interrupted, or nobody reads it any more, which is how it ends. */
async function watchLoad(
  context: CommandContext,
  meter: LoadMeter,
  first: Load,
  intervalMs: number,
): Promise<void> {
  const { terminal, signal, options } = context;
  const isScreen = terminal.screen !== undefined && !options.json;
  using screen = isScreen ? new LiveScreen(terminal) : undefined;
  const show = (load: Load, fault: string) => {
    const now = new Date().toISOString().slice(11, 19);
    if (options.json) terminal.out(`${JSON.stringify({ time: now, ...load })}\n`);
    else if (screen !== undefined) {
      const tables = loadTables(load, (terminal.screen?.columns ?? 100) - 1);
      screen.show(`tessera flink top  ${now} UTC  Ctrl-C ends\n${fault}\n${tables}`);
    } else
      terminal.out(
        loadLines(load)
          .map((line) => `${now} ${line}\n`)
          .join(''),
      );
  };
  let load = first;
  show(load, '');
  while (!signal.aborted && !terminal.isClosed) {
    await sleep(intervalMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    try {
      load = await meter.look(signal);
      show(load, '');
    } catch (error) {
      if (signal.aborted) return;
      // What stands there is old, and is said to be: daemons are restarted while somebody looks.
      if (screen !== undefined) show(load, `as it was last: ${messageOf(error)}`);
      else terminal.err(`${messageOf(error)}\n`);
    }
  }
}
