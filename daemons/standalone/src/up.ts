import { totalmem } from 'node:os';
import { Code, TesseraError } from '@tessera/base';
import {
  createProgram,
  exitCodeOf,
  formatBytes,
  type GlobalOptions,
  printFailure,
  processTerminal,
  readText,
  transportOptionsOf,
  wholeNumber,
} from '@tessera/cli';
import type { Transport } from '@tessera/client';
import { endLate, jsonLogger, stopRequested, type TelemetryConfig } from '@tessera/daemon';
import { readJson } from '@tessera/metadata';
import { parseQuotas } from '@tessera/scheduler';
import { type Command, Option } from 'commander';
import { buildMemoryOf, type PlatformConfig, platformDefaults } from './config.ts';
import { daemonCommand } from './daemon-command.ts';
import { startPlatform } from './platform.ts';
import { hostRunCommand } from './run-host.ts';
import { scaleCommands } from './scale/scale-commands.ts';

interface UpOptions {
  readonly data: string;
  readonly host: string;
  readonly port: string;
  readonly memory: string;
  readonly buildMemory?: string;
  readonly drainTimeout: string;
  readonly metricsPort?: string;
  readonly otlp?: string;
  readonly access: PlatformConfig['access'];
  readonly adminPasswordFile?: string;
  readonly identityProviders?: string;
  readonly flinkQuota?: readonly string[];
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

/** The `tessera` command with what runs daemons: `up` all of them in this process, `host run` that of this machine. */
export function createStandaloneProgram(): Command {
  const program = createProgram(processTerminal, [scaleCommands]);
  program
    .command('up')
    .description('run the platform in one process')
    .option('--data <dir>', 'folder of everything durable', './tessera-data')
    .option('--host <address>', 'address to listen on; beyond loopback only with TLS', '127.0.0.1')
    .option('--port <port>', 'port; 0 picks a free one', '7400')
    .option('--memory <MB>', 'memory for cuboids', String(platformDefaults.cuboidMemoryBytes >> 20))
    .option(
      '--build-memory <MB>',
      "memory for one build; default: a quarter of the machine's, from 1 to 2.75 GiB",
    )
    .option(
      '--drain-timeout <seconds>',
      'how long running calls may go on after it was told to stop',
      String(platformDefaults.drainTimeoutMs / 1_000),
    )
    .option(
      '--metrics-port <port>',
      'serve metrics for Prometheus on 127.0.0.1 at /metrics; 0 picks a free one',
    )
    .option('--otlp <url>', 'send spans over OTLP/gRPC, such as to http://127.0.0.1:4317')
    .addOption(
      new Option('--access <who>', 'open: everybody who can connect; controlled: users with roles')
        .choices(['open', 'controlled'])
        .default(platformDefaults.access),
    )
    .option('--admin-password-file <file>', 'password of the first user, admin, of a new platform')
    .option(
      '--identity-providers <file>',
      'OpenID Connect providers whose tokens are taken: a JSON array of what the configuration has',
    )
    .option(
      '--flink-quota <quota>',
      'what Flink clusters share that name it, such as team=slots:16,cpu:8,memory:32GiB; several times',
      (quota, before: readonly string[] = []) => [...before, quota],
    )
    .addOption(
      new Option('--log-level <level>', 'what is logged on standard error')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('warn'),
    )
    .addHelpText('after', '\nExample:\n  tessera up --data ./tessera-data\n')
    .action(async (options: UpOptions, command: Command) => {
      try {
        refuseAddress(command);
        await up(options, transportOptionsOf(command.optsWithGlobals()));
      } catch (error) {
        printFailure(error, processTerminal, false);
        process.exitCode = exitCodeOf(error);
      }
    });
  hostRunCommand(program);
  daemonCommand(program);
  return program;
}

/**
 * Where a client asks is not where the platform listens; TESSERA_ADDRESS may well be set for the former.
 * @throws ADDRESS_NOT_TAKEN
 */
function refuseAddress(command: Command): void {
  if (command.getOptionValueSourceWithGlobals('address') !== 'cli') return;
  const { address } = command.optsWithGlobals<GlobalOptions>();
  throw new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'ADDRESS_NOT_TAKEN',
    message: `--address says where other commands find a platform; what \`up\` listens on is --host and --port, not ${JSON.stringify(address)}.`,
    metadata: { address },
  });
}

async function up(options: UpOptions, transport: Transport): Promise<void> {
  const port = wholeNumber(options.port, '--port', { min: 0, max: 65_535 });
  const memoryBytes = wholeNumber(options.memory, '--memory', { min: 1 }) * 1024 * 1024;
  const buildMemoryBytes =
    options.buildMemory === undefined
      ? buildMemoryOf(machineBytes())
      : wholeNumber(options.buildMemory, '--build-memory', { min: 64 }) * 1024 * 1024;
  const drainTimeoutMs =
    wholeNumber(options.drainTimeout, '--drain-timeout', { min: 0, max: 3_600 }) * 1_000;
  const stopped = stopRequested();
  await using platform = await startPlatform(
    {
      ...platformDefaults,
      dataDirectory: options.data,
      address: `${options.host}:${port}`,
      transport,
      access: options.access,
      ...adminPassword(options.adminPasswordFile),
      ...identityProviders(options.identityProviders),
      cuboidMemoryBytes: memoryBytes,
      buildMemoryBytes,
      drainTimeoutMs,
      telemetry: telemetryOf(options),
      scheduler: { flinkQuotas: parseQuotas(options.flinkQuota ?? []) },
    },
    jsonLogger('tessera', options.logLevel),
  );
  process.stdout.write(
    `Tessera is up on ${platform.address}; data in ${options.data}, ${formatBytes(memoryBytes)} for cuboids.\n` +
      `Try: TESSERA_ADDRESS=${platform.address} npx tessera status\n`,
  );
  if (platform.metricsAddress !== undefined) {
    process.stdout.write(`Metrics are on http://${platform.metricsAddress}/metrics.\n`);
  }
  await stopped;
  process.stdout.write('Stopping …\n');
  endLate(drainTimeoutMs);
}

function telemetryOf({ metricsPort, otlp }: UpOptions): TelemetryConfig {
  const port =
    metricsPort === undefined
      ? undefined
      : wholeNumber(metricsPort, '--metrics-port', { min: 0, max: 65_535 });
  return {
    ...(otlp === undefined ? {} : { otlpEndpoint: otlp }),
    ...(port === undefined ? {} : { metricsAddress: `127.0.0.1:${port}` }),
  };
}

/** What the machine has, or less where a container gets less. */
function machineBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** What is in the file is checked where it is used. @throws METADATA_CONFIG_INVALID */
function identityProviders(file: string | undefined): Partial<PlatformConfig> {
  if (file === undefined) return {};
  return { identityProviders: readJson(file) as PlatformConfig['identityProviders'] };
}

function adminPassword(file: string | undefined): { readonly adminPassword?: string } {
  return file === undefined ? {} : { adminPassword: readText(file).split(/\r?\n/)[0]! };
}
