import os from 'node:os';
import { join } from 'node:path';
import { Code, TesseraError } from '@tessera/base';
import {
  exitCodeOf,
  type GlobalOptions,
  printFailure,
  processTerminal,
  transportOptionsOf,
  wholeNumber,
} from '@tessera/cli';
import { tokenFrom } from '@tessera/client';
import {
  endLate,
  jsonLogger,
  type LogLevel,
  startTelemetry,
  stopRequested,
  type TelemetryConfig,
} from '@tessera/daemon';
import { runHost } from '@tessera/host';
import { type Command, Option } from 'commander';

interface HostOptions extends GlobalOptions {
  readonly name: string;
  readonly data: string;
  readonly host: string;
  readonly port: string;
  readonly advertise?: string;
  readonly access: string;
  readonly audit?: string;
  readonly tokenFile?: string;
  readonly metricsPort?: string;
  readonly drainTimeout: string;
  readonly rack: string;
  readonly label: readonly string[];
  readonly ports: string;
  readonly cutOffAfter: string;
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
    .option('--host <address>', 'address to listen on; beyond loopback only with TLS', '127.0.0.1')
    .option('--port <port>', 'port; 0 picks a free one', '7450')
    .option('--advertise <host:port>', 'where others reach it, when it listens on all interfaces')
    .addOption(
      new Option('--access <who>', 'open: everybody who can connect; controlled: users and daemons')
        .choices(['open', 'controlled'])
        .default('open'),
    )
    .option('--audit <dir>', 'where access is controlled: folder of the audit log')
    .option('--token-file <file>', 'file of the token that it shows to metadata')
    .option('--drain-timeout <seconds>', 'how long calls may go on when it is told to stop', '10')
    .option('--metrics-port <port>', 'serve metrics for Prometheus on 127.0.0.1 at /metrics')
    .option('--rack <rack>', 'what fails together with this host', '')
    .option('--label <name=value...>', 'what is to be known of this host', [])
    .option('--ports <first-last>', 'ports that its processes may be given', '20000-20999')
    .option(
      '--cut-off-after <seconds>',
      'without metadata, before it ends processes of Flink',
      '30',
    )
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
    cutOffAfterMs:
      wholeNumber(options.cutOffAfter, '--cut-off-after', { min: 1, max: 3_600 }) * 1_000,
  };
  const listen = wholeNumber(options.port, '--port', { min: 0, max: 65_535 });
  const shown = options.tokenFile === undefined ? token : tokenFrom(options.tokenFile);
  const drainTimeoutMs =
    wholeNumber(options.drainTimeout, '--drain-timeout', { min: 0, max: 3_600 }) * 1_000;
  const stopped = stopRequested();
  await using telemetry = await startTelemetry(telemetryOf(options), 'host');
  await using host = await runHost(
    config,
    {
      address: `${options.host}:${listen}`,
      ...(options.advertise === undefined ? {} : { advertise: options.advertise }),
      metadataAddress,
      transport: transportOptionsOf(options),
      ...(shown === undefined ? {} : { token: shown }),
      access: { access: options.access, audit: options.audit ?? join(data, 'audit') },
      meter: telemetry.meter,
      drainTimeoutMs,
    },
    jsonLogger('host', options.logLevel),
  );
  const { registration } = host;
  process.stdout.write(
    `Host ${name} is up on ${host.address}; data in ${data}, ` +
      `${registration.isRegistered ? `registered at ${metadataAddress}` : `waiting for metadata at ${metadataAddress}`}.\n`,
  );
  if (telemetry.metricsAddress !== undefined) {
    process.stdout.write(`Metrics are on http://${telemetry.metricsAddress}/metrics.\n`);
  }
  await stopped;
  process.stdout.write('Stopping; its processes live on …\n');
  endLate(drainTimeoutMs);
}

function telemetryOf({ metricsPort }: HostOptions): TelemetryConfig {
  if (metricsPort === undefined) return {};
  const port = wholeNumber(metricsPort, '--metrics-port', { min: 0, max: 65_535 });
  return { metricsAddress: `127.0.0.1:${port}` };
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
