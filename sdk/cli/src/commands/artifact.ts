import { Code, TesseraError } from '@tessera/base';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import {
  type ArtifactHost,
  artifactHosts,
  type KnownArtifact,
  knownArtifacts,
} from '../artifacts/observe-artifacts.ts';
import { holdersOf, putArtifact, readLocalFile } from '../artifacts/put-artifact.ts';
import type { CommandContext } from '../context.ts';
import type { Runner } from '../runner.ts';
import { formatBytes } from '../table.ts';

/** Users' tokens are shown to no host that says by itself where it is, only to those that are named. */
const atOption = [
  '--at <host:port...>',
  'host daemons at these addresses instead of all; where access is controlled the token is shown to them',
] as const;

interface AtOption {
  readonly at?: string[];
}

interface PruneOptions extends AtOption {
  readonly oldVersions: boolean;
  readonly dryRun: boolean;
}

/** artifact: files that daemons of deployments need, by their digests. */
export function artifactCommands(program: Command, run: Runner): void {
  const artifact = program
    .command('artifact')
    .description('files that hosts keep for processes, deployments and Flink, by their SHA-256');
  putCommand(artifact, run);

  artifact
    .command('list', { isDefault: true })
    .description('list artifacts, the hosts that have them, and who needs them')
    .option(...atOption)
    .addHelpText('after', '\nExample:\n  tessera artifact list\n')
    .action(
      run(async (context, { at }: AtOption) => {
        using stack = new DisposableStack();
        const found = await knownArtifacts(context.client, await artifactHosts(context, stack, at));
        context.print(
          ['ARTIFACT', 'NAME', 'SIZE', 'HOSTS', 'USED BY'],
          found.map((one) => [
            one.digest,
            one.displayName,
            formatBytes(one.sizeBytes),
            one.hosts.join(', '),
            useOf(one),
          ]),
          found,
        );
      }),
    );

  artifact
    .command('delete')
    .description('delete an artifact from all hosts; never one that is in use')
    .argument('<artifact>', 'its SHA-256, or the first 8 or more digits of it')
    .option(...atOption)
    .addHelpText('after', '\nExample:\n  tessera artifact delete 2f7c4a10\n')
    .action(
      run(async (context, prefix: string, { at }: AtOption) => {
        using stack = new DisposableStack();
        const hosts = await artifactHosts(context, stack, at);
        const found = oneOf(await knownArtifacts(context.client, hosts), prefix);
        if (found.usedBy.length > 0) throw inUse(found);
        await deleteFrom(hosts, found);
        context.say(`deleted ${found.digest} from ${found.hosts.join(', ')}`, found);
      }),
    );

  artifact
    .command('prune')
    .description('delete all artifacts that nothing needs')
    .option(
      '--old-versions',
      'also those that only older versions of deployments and of Flink clusters and jobs need',
      false,
    )
    .option('--dry-run', 'only tell which', false)
    .option(...atOption)
    .addHelpText('after', '\nExample:\n  tessera artifact prune --dry-run\n')
    .action(
      run(async (context, options: PruneOptions) => {
        const { at } = options;
        using stack = new DisposableStack();
        const hosts = await artifactHosts(context, stack, at);
        const unused = (await knownArtifacts(context.client, hosts)).filter(
          ({ usedBy, olderVersions }) =>
            usedBy.length === 0 && (options.oldVersions || olderVersions.length === 0),
        );
        if (!options.dryRun) for (const one of unused) await deleteFrom(hosts, one);
        const verb = options.dryRun ? 'would delete' : 'deleted';
        const lines = unused.map(({ digest, displayName }) => `${verb} ${digest} ${displayName}`);
        context.say(lines.join('\n') || 'nothing is unused', unused);
      }),
    );
}

function putCommand(artifact: Command, run: Runner): void {
  artifact
    .command('put')
    .description('put a file on hosts, from where the others get it when a deployment needs it')
    .argument('<file>')
    .option('--host <name...>', 'put it on these hosts; default: on some that are alive')
    .option('--copies <count>', 'on how many hosts, so that one may be lost', '2')
    .option(...atOption)
    .addHelpText('after', '\nExample:\n  tessera artifact put flink-2.3.0-bin.tgz\n')
    .action(
      run(
        async (
          context,
          path: string,
          options: AtOption & { readonly host?: string[]; readonly copies: string },
        ) => {
          const { at } = options;
          const copies = wholeNumber(options.copies, '--copies', { min: 1, max: 1000 });
          const file = await readLocalFile(path);
          using stack = new DisposableStack();
          const alive = await artifactHosts(context, stack, at);
          const named = options.host?.map((id) => aliveOne(alive, id)) ?? (at && alive);
          const hosts = named ?? holdersOf(file.digest, alive, copies);
          if (hosts.length === 0) throw noHost();
          const onProgress = progressLine(context, file.sizeBytes);
          try {
            await putArtifact(file, hosts, { onProgress, signal: context.signal });
          } finally {
            if (context.terminal.interactive) context.terminal.err('\r\u001b[2K');
          }
          const ids = hosts.map(({ id }) => id);
          const { digest, sizeBytes } = file;
          const put = `put ${path} (${formatBytes(sizeBytes)}) on ${ids.join(', ')}`;
          context.say(`${put}\n${digest}`, { digest, sizeBytes, hosts: ids });
        },
      ),
    );
}

/** On a terminal one line is redrawn; elsewhere nothing is told but the end. */
function progressLine({ terminal, options }: CommandContext, sizeBytes: number) {
  return (host: string, bytes: number) => {
    if (!terminal.interactive || options.json) return;
    const line = `${formatBytes(bytes)} of ${formatBytes(sizeBytes)} are on ${host}`;
    terminal.err(`\r\u001b[2K${line.slice(0, terminal.columns - 1)}`);
  };
}

function useOf({ usedBy, olderVersions }: KnownArtifact): string {
  if (usedBy.length > 0) return usedBy.join('; ');
  return olderVersions.length > 0 ? `only ${olderVersions.join(', ')}` : 'nothing';
}

/** A host refuses what one of its processes names, whoever has begun to use it meanwhile. */
async function deleteFrom(
  hosts: readonly ArtifactHost[],
  { digest, hosts: holders }: KnownArtifact,
): Promise<void> {
  const name = `artifacts/${digest}`;
  for (const { id, client } of hosts) {
    if (holders.includes(id)) await client.deleteArtifact({ name, allowMissing: true });
  }
}

/** @throws ARTIFACT_NOT_FOUND, ARTIFACT_AMBIGUOUS */
function oneOf(known: readonly KnownArtifact[], prefix: string): KnownArtifact {
  const isPrefix = /^[0-9a-f]{8,64}$/.test(prefix);
  const found = isPrefix ? known.filter(({ digest }) => digest.startsWith(prefix)) : [];
  if (found.length === 1) return found[0]!;
  const isNone = found.length === 0;
  throw new TesseraError({
    code: isNone ? Code.NOT_FOUND : Code.INVALID_ARGUMENT,
    reason: isNone ? 'ARTIFACT_NOT_FOUND' : 'ARTIFACT_AMBIGUOUS',
    message: isNone
      ? `No host that is alive has an artifact ${prefix}: 'tessera artifact list' shows what there is.`
      : `${found.length} artifacts begin with ${prefix}; give more digits.`,
    metadata: { artifact: prefix },
  });
}

function inUse({ digest, usedBy }: KnownArtifact): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'ARTIFACT_IN_USE',
    message: `artifacts/${digest} is needed by ${usedBy.join('; ')}: change or delete that first.`,
    metadata: { digest },
  });
}

/** @throws HOST_GONE */
function aliveOne(alive: readonly ArtifactHost[], id: string): ArtifactHost {
  const found = alive.find((one) => one.id === id);
  if (found !== undefined) return found;
  throw new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'HOST_GONE',
    message: `${id} is no host that is alive: 'tessera host list' shows which are.`,
    metadata: { host: id },
  });
}

function noHost(): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'NO_HOST',
    message: "No host is alive that could keep it: start one with 'tessera host run'.",
  });
}
