import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, freemem, loadavg, release, totalmem } from 'node:os';
import { messageOf, redacted, removed } from '@tessera/base';
import { listAll } from '@tessera/client';
import type { metadata } from '@tessera/proto';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { findDegraded } from '../health/find-degraded.ts';
import { observePlatform } from '../health/observe-platform.ts';
import { connectTo } from '../host-connection.ts';
import type { Runner } from '../runner.ts';
import { formatBytes, toJson } from '../table.ts';

/** Lines from the end of each log, and shapes of statements, that a bundle has at most. */
const maxLogLines = 1_000;
const maxShapes = 100;
const bundleFormat = 1;

/** doctor: everything that a bug report needs, in one file without secrets. */
export function doctorCommand(program: Command, run: Runner): void {
  program
    .command('doctor')
    .description('write a file for bug reports: versions, resources, states, failures; no secrets')
    .argument('<file>', 'where to write it')
    .option('--log <file...>', `logs of daemons, of which the last ${maxLogLines} lines are taken`)
    .addHelpText('after', '\nExample:\n  tessera doctor report.json --log tessera.log\n')
    .action(
      run(async (context, file: string, { log = [] }: { readonly log?: readonly string[] }) => {
        const bundle = redacted({
          ...machine(),
          ...(await platform(context)),
          logs: Object.fromEntries(log.map((path) => [path, lastLines(path)])),
        });
        const text = toJson(bundle);
        writeFileSync(file, text, { mode: 0o600 });
        context.say(
          `wrote ${formatBytes(BigInt(Buffer.byteLength(text)))} to ${file}; secrets are removed, but look through it before you share it`,
          { file, sizeBytes: Buffer.byteLength(text) },
        );
      }),
    );
}

function machine() {
  return {
    format: bundleFormat,
    writtenAt: new Date().toISOString(),
    versions: { tessera: ownVersion(), ...process.versions },
    machine: {
      platform: process.platform,
      architecture: process.arch,
      release: release(),
      cores: cpus().length,
      memoryBytes: totalmem(),
      freeMemoryBytes: freemem(),
      load: loadavg(),
    },
  };
}

function ownVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { readonly version: string }).version;
}

/** Each part as far as it can be had: a bundle is most wanted when something is away. */
async function platform(context: CommandContext) {
  const { client, project, options } = context;
  const part = <T>(call: Promise<T>) => call.catch((error) => ({ error: messageOf(error) }));
  const resources = (name: 'sources' | 'models') =>
    part(listAll(client, name, { parent: project }).then((listed) => listed.resources));
  const [report, sources, models, store, statistics] = await Promise.all([
    part(observePlatform(client, project, (host) => connectTo(context, host))),
    resources('sources'),
    resources('models'),
    part(client.maintenance.getStoreStatus({})),
    part(client.queries.getQueryStatistics({ project, maxShapes })),
  ]);
  if ('error' in report) {
    return { address: options.address, ...report, sources, models, store, statistics };
  }
  const { observed, cubes, segments, stats, operations, queries, machines, refused } = report;
  return {
    address: options.address,
    degraded: findDegraded(observed),
    refused,
    resources: { sources, models, cubes, segments },
    operations,
    hosts: machines?.hosts.map((host) => ({
      ...host,
      ...observed.hosts.find((one) => host.name.endsWith(`/${one.host}`)),
    })),
    deployments: machines?.deployments.map(withoutValues),
    deploymentStatuses: machines?.statuses,
    storage: stats,
    store,
    // Constants of statements may be anybody's business, their shapes are nobody's.
    queries: queries?.map(({ queryId, startTime, queued }) => ({ queryId, startTime, queued })),
    statistics,
  };
}

/** Variables and files of daemons are where secrets belong, whatever they are called. */
function withoutValues(deployment: metadata.Deployment): metadata.Deployment {
  const daemons = deployment.daemons.map((daemon) => ({
    ...daemon,
    environment: Object.fromEntries(Object.keys(daemon.environment).map((key) => [key, removed])),
    files: daemon.files.map(({ path }) => ({ path, content: removed })),
  }));
  return { ...deployment, daemons };
}

function lastLines(path: string): unknown {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-maxLogLines).map(lineOf);
  } catch (error) {
    return { error: messageOf(error) };
  }
}

/** Lines of JSON are read, so that their keys are known. */
function lineOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}
