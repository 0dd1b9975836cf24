import { createReadStream, existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { Code, messageOf, TesseraError } from '@tessera/base';
import { metadata } from '@tessera/proto';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import type { Runner } from '../runner.ts';
import { formatBytes, formatCount } from '../table.ts';

/** What is read from a file and sent at once. */
const chunkBytes = 256 * 1024;

/** backup, restore, check: all metadata as one file, also to move between stores. */
export function backupCommands(program: Command, run: Runner): void {
  program
    .command('backup')
    .description('write all metadata to a file; the files of cuboids are not part of it')
    .argument('<file>', 'must not exist')
    .addHelpText('after', '\nExample:\n  tessera backup metadata.backup\n')
    .action(run(backup));
  program
    .command('restore')
    .description('read all metadata from a file that backup wrote, into an empty store')
    .argument('<file>')
    .option('--replace', 'delete first what the store holds', false)
    .option(
      '--installation <id>',
      'with --replace: the installation whose metadata is lost, where the backup is of another',
    )
    .addHelpText('after', '\nExample:\n  tessera restore metadata.backup\n')
    .action(run(restore));
  program
    .command('check')
    .description('look for metadata that should not be there; ends with 1 when something is left')
    .option('--repair', 'mend what can be mended without a loss', false)
    .addHelpText('after', '\nExample:\n  tessera check --repair\n')
    .action(run(check));
}

async function backup(context: CommandContext, file: string): Promise<void> {
  const { client, signal } = context;
  if (existsSync(file)) throw fileExists(file);
  const partial = `${file}.partial`;
  try {
    const summary = await writeFile(partial, client.backups.createBackup({}, { signal }));
    await rename(partial, file);
    const { entryCount, revision, sizeBytes } = summary;
    context.say(
      `${file}: ${formatCount(entryCount)} entries at revision ${revision}, ${formatBytes(sizeBytes)}`,
      summary,
    );
  } catch (error) {
    await rm(partial, { force: true });
    throw isFileError(error) ? fileUnwritable(file, error) : error;
  }
}

/** Only with its summary is a backup whole. */
async function writeFile(
  file: string,
  responses: AsyncIterable<metadata.CreateBackupResponse>,
): Promise<metadata.BackupSummary> {
  await using handle = await open(file, 'w', 0o600);
  for await (const { content } of responses) {
    if (content?.$case === 'chunk') await handle.writeFile(content.value);
    if (content?.$case !== 'summary') continue;
    await handle.sync();
    return content.value;
  }
  throw backupIncomplete();
}

interface RestoreOptions {
  readonly replace: boolean;
  readonly installation?: string;
}

async function restore(
  context: CommandContext,
  file: string,
  options: RestoreOptions,
): Promise<void> {
  const { client, signal } = context;
  if (!existsSync(file)) throw fileUnreadable(file, 'it does not exist');
  const { summary, revision, replacedCount } = await client.backups.restoreBackup(
    messages(file, options),
    { signal },
  );
  const made = new Date(Number(summary?.createTime?.seconds ?? 0n) * 1000).toISOString();
  const replaced =
    replacedCount > 0n ? `, in place of ${formatCount(replacedCount)} that were there` : '';
  context.say(
    `restored ${formatCount(summary?.entryCount ?? 0n)} entries of a backup from ${made} (${summary?.driver})${replaced}; the store is at revision ${revision}`,
    { summary, revision, replacedCount },
  );
}

async function check(
  context: CommandContext,
  options: { readonly repair: boolean },
): Promise<void> {
  const { client, signal } = context;
  const response = await client.maintenance.checkStore(options, { signal });
  const { problems, problemCount, checkedCount, revision } = response;
  if (context.options.json) context.say('', response);
  else {
    if (problems.length > 0) {
      const rows = problems.map(({ reason, name, detail, remedy, repaired }) => [
        reason,
        name,
        detail,
        repaired ? 'repaired' : remedy === '' ? 'by hand' : `--repair (${remedy})`,
      ]);
      context.print(['PROBLEM', 'OF', 'WHAT', 'REMEDY'], rows, response);
    }
    context.say(
      `${formatCount(checkedCount)} entries checked at revision ${revision}: ${formatCount(problemCount)} problems`,
      response,
    );
  }
  if (problems.some(({ repaired }) => !repaired)) process.exitCode = 1;
}

async function* messages(
  file: string,
  { replace, installation = '' }: RestoreOptions,
): AsyncGenerator<metadata.RestoreBackupRequest> {
  const message = (content: metadata.RestoreBackupRequest['content']) =>
    metadata.RestoreBackupRequest.fromPartial({ content } as never);
  yield message({ $case: 'options', value: { replace, installation } });
  for await (const value of createReadStream(file, { highWaterMark: chunkBytes })) {
    yield message({ $case: 'chunk', value });
  }
}

function isFileError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

function fileExists(file: string): TesseraError {
  return new TesseraError({
    code: Code.ALREADY_EXISTS,
    reason: 'FILE_EXISTS',
    message: `${file} exists already and is left as it is; choose another name.`,
    metadata: { file },
  });
}

function fileUnwritable(file: string, error: unknown): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'FILE_UNWRITABLE',
    message: `${file} could not be written: ${messageOf(error)}.`,
    metadata: { file },
    cause: error,
  });
}

function fileUnreadable(file: string, problem: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'FILE_UNREADABLE',
    message: `${file} could not be read: ${problem}.`,
    metadata: { file },
  });
}

function backupIncomplete(): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'BACKUP_INCOMPLETE',
    message: 'The daemon ended the backup before it was whole; try again.',
  });
}
