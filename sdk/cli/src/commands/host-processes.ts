import { resourceIdOf } from '@tessera/base';
import { pages } from '@tessera/client';
import { host as wire } from '@tessera/proto';
import { type Command, Option } from 'commander';
import { connectToHost } from '../host-connection.ts';
import { exitText, processState, timeText } from '../host-view.ts';
import type { Runner } from '../runner.ts';
import { type LogOptions, printLogs, withLogOptions } from './process-logs.ts';

const { RESTART_MODE_ALWAYS, RESTART_MODE_NEVER, RESTART_MODE_ON_FAILURE } = wire.RestartMode;
const restartModes = {
  never: RESTART_MODE_NEVER,
  'on-failure': RESTART_MODE_ON_FAILURE,
  always: RESTART_MODE_ALWAYS,
} as const;

/** host processes, logs, start, stop: what runs on one host. */
export function hostProcessCommands(host: Command, run: Runner): void {
  host
    .command('processes')
    .description('list the processes that a host keeps, those that have ended included')
    .argument('<host>')
    .addHelpText('after', '\nExample:\n  tessera host processes node3\n')
    .action(
      run(async (context, id: string) => {
        using connection = await connectToHost(context, id);
        const found = await Array.fromAsync(
          pages(async (pageToken) => {
            const page = await connection.host.listProcesses({ pageSize: 1000, pageToken });
            return { items: page.processes, nextPageToken: page.nextPageToken };
          }),
        );
        context.print(
          ['PROCESS', 'STATE', 'PID', 'RUN', 'STARTED', 'LAST EXIT', 'COMMAND'],
          found.map((process) => [
            resourceIdOf(process.name),
            processState(process),
            process.pid === 0 ? '' : String(process.pid),
            String(process.run),
            timeText(process.startTime),
            exitText(process.lastExit),
            (process.spec?.argv ?? []).join(' '),
          ]),
          found.map(viewOf),
        );
      }),
    );

  withLogOptions(
    host
      .command('logs')
      .description('what a process has printed')
      .argument('<host>')
      .argument('<process>'),
  )
    .addHelpText('after', '\nExample:\n  tessera host logs node3 storage --follow\n')
    .action(
      run((context, id: string, process: string, options: LogOptions) =>
        printLogs(context, id, processName(process), options),
      ),
    );

  host
    .command('start')
    .description('start a process on a host; it lives on without the host daemon')
    .argument('<host>')
    .argument('<process>')
    .argument('<command...>', 'the program and its arguments; no shell looks at them')
    .addOption(
      new Option('--restart <when>', 'what happens when it ends by itself')
        .choices(Object.keys(restartModes))
        .default('never'),
    )
    .addHelpText('after', '\nExample:\n  tessera host start node3 ticker -- sleep 3600\n')
    .action(
      run(
        async (
          context,
          id: string,
          processId: string,
          argv: string[],
          { restart }: { readonly restart: keyof typeof restartModes },
        ) => {
          using connection = await connectToHost(context, id);
          const spec = { argv, restart: { mode: restartModes[restart] } };
          const process = await connection.host.startProcess({ processId, spec });
          context.say(`started ${processId} on ${id}`, viewOf(process));
        },
      ),
    );

  host
    .command('stop')
    .description('end a process and all that it has started; waits until nothing of it is left')
    .argument('<host>')
    .argument('<process>')
    .addHelpText('after', '\nExample:\n  tessera host stop node3 ticker\n')
    .action(
      run(async (context, id: string, process: string) => {
        using connection = await connectToHost(context, id);
        const ended = await stopped(connection.host, processName(process), context.signal);
        context.say(`${process} has ended: ${exitText(ended.lastExit)}`, viewOf(ended));
      }),
    );
}

type HostClient = Awaited<ReturnType<typeof connectToHost>>['host'];

/** Asks a process to end, and waits until it has. */
async function stopped(host: HostClient, name: string, signal: AbortSignal): Promise<wire.Process> {
  const asked = await host.stopProcess({ name });
  if (hasEnded(asked)) return asked;
  const startRevision = asked.revision + 1n;
  for await (const { event } of host.watchProcesses({ startRevision }, { signal })) {
    if (event?.$case === 'put' && event.value.name === name && hasEnded(event.value)) {
      return event.value;
    }
  }
  return host.getProcess({ name });
}

function hasEnded({ state }: wire.Process): boolean {
  const { PROCESS_STATE_EXITED, PROCESS_STATE_STOPPED } = wire.ProcessState;
  return state === PROCESS_STATE_EXITED || state === PROCESS_STATE_STOPPED;
}

function processName(process: string): string {
  return process.startsWith('processes/') ? process : `processes/${process}`;
}

/** For programs: the state by its name. */
function viewOf(process: wire.Process) {
  return { ...process, state: processState(process) };
}
