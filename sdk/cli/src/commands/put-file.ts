import { basename } from 'node:path';
import { Code, TesseraError } from '@tessera/base';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { type ArtifactHost, artifactHosts } from '../artifacts/observe-artifacts.ts';
import { holdersOf, putArtifact, readLocalFile } from '../artifacts/put-artifact.ts';
import type { CommandContext } from '../context.ts';
import { formatBytes } from '../table.ts';

/** Users' tokens are shown to no host that says by itself where it is, only to those that are named. */
export const atOption = [
  '--at <host:port...>',
  'host daemons at these addresses instead of all; where access is controlled the token is shown to them',
] as const;

export interface AtOption {
  readonly at?: string[];
}

export interface PutOptions extends AtOption {
  readonly host?: string[];
  readonly copies: string;
}

/** The options of every command that puts a file on hosts. */
export function withPutOptions(command: Command): Command {
  return command
    .option('--host <name...>', 'put it on these hosts; default: on some that are alive')
    .option('--copies <count>', 'on how many hosts, so that one may be lost', '2')
    .option(...atOption);
}

export interface PutFile {
  readonly digest: string;
  readonly sizeBytes: number;
  /** Those that have it now. */
  readonly hosts: readonly string[];
}

/** Refuses what `putFile` would refuse whatever the file, before somebody takes the trouble to make one. @throws BAD_NUMBER, HOST_GONE, NO_HOST */
export async function checkPut(
  context: CommandContext,
  options: PutOptions,
  what: string,
): Promise<void> {
  using stack = new DisposableStack();
  await hostsFor(context, stack, options, { digest: '0'.repeat(64), what });
}

/** @throws BAD_NUMBER, FILE_UNREADABLE, HOST_GONE, NO_HOST, COPY_FAILED, and what hosts say */
export async function putFile(
  context: CommandContext,
  path: string,
  options: PutOptions & { readonly unpack?: boolean },
): Promise<PutFile> {
  const file = await readLocalFile(path);
  using stack = new DisposableStack();
  const hosts = await hostsFor(context, stack, options, {
    digest: file.digest,
    what: basename(path),
  });
  const onProgress = progressLine(context, file.sizeBytes);
  try {
    const { unpack = false } = options;
    await putArtifact(file, hosts, { unpack, onProgress, signal: context.signal });
  } finally {
    if (context.terminal.interactive) context.terminal.err('\r\u001b[2K');
  }
  const { digest, sizeBytes } = file;
  return { digest, sizeBytes, hosts: hosts.map(({ id }) => id) };
}

async function hostsFor(
  context: CommandContext,
  stack: DisposableStack,
  { at, host, copies: count }: PutOptions,
  { digest, what }: { readonly digest: string; readonly what: string },
): Promise<readonly ArtifactHost[]> {
  const copies = wholeNumber(count, '--copies', { min: 1, max: 1000 });
  const alive = await artifactHosts(context, stack, at);
  const named = host?.map((id) => aliveOne(alive, id)) ?? (at && alive);
  const hosts = named ?? holdersOf(digest, alive, copies);
  if (hosts.length === 0) throw noHost(what);
  return hosts;
}

/** On a terminal one line is redrawn; elsewhere nothing is told but the end. */
function progressLine({ terminal, options }: CommandContext, sizeBytes: number) {
  return (host: string, bytes: number) => {
    if (!terminal.interactive || options.json) return;
    const line = `${formatBytes(bytes)} of ${formatBytes(sizeBytes)} are on ${host}`;
    terminal.err(`\r\u001b[2K${line.slice(0, terminal.columns - 1)}`);
  };
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

function noHost(what: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'NO_HOST',
    message: `No host is alive that could keep ${what}: start one with 'tessera host run'.`,
    metadata: { what },
  });
}
