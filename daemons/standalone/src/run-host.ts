import os from 'node:os';
import { Code, TesseraError } from '@tessera/base';
import {
  exitCodeOf,
  type GlobalOptions,
  printFailure,
  processTerminal,
  transportOptionsOf,
  wholeNumber,
} from '@tessera/cli';
import { jsonLogger, type LogLevel, stopRequested } from '@tessera/daemon';
import { runHost } from '@tessera/host';
import { type Command, Option } from 'commander';

interface HostOptions extends GlobalOptions {
  readonly name: string;
  readonly data: string;
  readonly port: string;
  readonly rack: string;
  readonly label: readonly string[];
  readonly ports: string;
  readonly logLevel: LogLevel;
}

const port = { min: 1, max: 65_535 };

/** `host run`, which keeps the processes of this machine until it is told to stop; they live on. */
export function hostRunCommand(program: Command): void {
  const host = program.commands.find((command) => command.name() === 'host')!;
  host
    .command('run')
    .description('run the host daemon of this machine; --address is where metadata is served')
    .option('--name <name>', 'name of this host', os.hostname().toLowerCase())
    .option('--data <dir>', 'folder of its journal, artifacts and logs', './tessera-host')
    .option('--port <port>', 'port on 127.0.0.1; 0 picks a free one', '7450')
    .option('--rack <rack>', 'what fails together with this host', '')
    .option('--label <name=value...>', 'what is to be known of this host', [])
    .option('--ports <first-last>', 'ports that its processes may be given', '20000-20999')
    .addOption(
      new Option('--log-level <level>', 'what is logged on standard error')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('warn'),
    )
    .addHelpText(
      'after',
      '\nExample:\n  tessera host run --name node3 --rack rack1 --label disk=nvme\n',
    )
    .action(async (_: unknown, command: Command) => {
      try {
        await run(command.optsWithGlobals<HostOptions>());
      } catch (error) {
        printFailure(error, processTerminal, false);
        process.exitCode = exitCodeOf(error);
      }
    });
}

async function run(options: HostOptions): Promise<void> {
  const { name, data, rack, address: metadataAddress, token } = options;
  const config = {
    name,
    directory: data,
    rack,
    labels: Object.fromEntries(options.label.map(labelOf)),
    ports: portsOf(options.ports),
  };
  const listen = wholeNumber(options.port, '--port', { min: 0, max: 65_535 });
  const stopped = stopRequested();
  await using host = await runHost(
    config,
    {
      address: `127.0.0.1:${listen}`,
      metadataAddress,
      transport: transportOptionsOf(options),
      ...(token === undefined ? {} : { token }),
    },
    jsonLogger('host', options.logLevel),
  );
  const { registration } = host;
  process.stdout.write(
    `Host ${name} is up on ${host.address}; data in ${data}, ` +
      `${registration.isRegistered ? `registered at ${metadataAddress}` : `waiting for metadata at ${metadataAddress}`}.\n`,
  );
  await stopped;
  process.stdout.write('Stopping; its processes live on …\n');
}

/** @throws BAD_LABEL */
function labelOf(text: string): [string, string] {
  const [, name, value] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_LABEL',
    message: `--label is ${JSON.stringify(text)}: write it as name=value.`,
    metadata: { text },
  });
}

/** @throws BAD_PORT_RANGE, BAD_NUMBER */
function portsOf(text: string): { first: number; last: number } {
  const [, from, to] = /^(\d+)-(\d+)$/.exec(text) ?? [];
  const [first, last] = [from ?? '', to ?? ''].map((end) => wholeNumber(end, '--ports', port));
  if (first! <= last!) return { first: first!, last: last! };
  throw new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_PORT_RANGE',
    message: `--ports is ${text}: the first must not be above the last.`,
    metadata: { text },
  });
}
