import { host as wire } from '@tessera/proto';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import type { CommandContext } from '../context.ts';
import { connectToHost } from '../host-connection.ts';

export interface LogOptions {
  readonly follow: boolean;
  readonly lines: string;
  readonly stderr: boolean;
}

/** The options of every command that prints what a process has printed. */
export function withLogOptions(command: Command): Command {
  return command
    .option('-f, --follow', 'go on until the process has ended for good', false)
    .option('-n, --lines <count>', 'begin so many lines before the end', '100')
    .option('--stderr', 'standard error instead of standard output', false);
}

/** Prints what a process on a host has printed. @param name `processes/{process}` @throws BAD_NUMBER, HOST_NOT_FOUND, HOST_GONE, PROCESS_NOT_FOUND */
export async function printLogs(
  context: CommandContext,
  host: string,
  name: string,
  { follow, lines, stderr }: LogOptions,
): Promise<void> {
  const tailLines = wholeNumber(lines, '--lines', { min: 1, max: 1_000_000 });
  using connection = await connectToHost(context, host);
  const { LOG_STREAM_ERROR, LOG_STREAM_OUTPUT } = wire.LogStream;
  const stream = stderr ? LOG_STREAM_ERROR : LOG_STREAM_OUTPUT;
  const request = { name, stream, tailLines, follow };
  const decoder = new TextDecoder();
  const { signal, terminal, options } = context;
  for await (const { offset, data } of connection.host.readLogs(request, { signal })) {
    const text = decoder.decode(data, { stream: true });
    const line = `${JSON.stringify({ offset: Number(offset), text })}\n`;
    terminal.out(options.json ? line : text);
  }
}
