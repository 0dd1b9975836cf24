import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fetchFailed, toolMissing } from './errors.ts';

/** So much of what a program said last is told of its failure. */
const maxSaid = 2_000;

/**
 * Runs a program to its end; what it prints is shown only when it fails.
 * @throws FLINK_TOOL_MISSING, FLINK_FETCH_FAILED; what the signal was aborted with
 */
export async function runTool(
  [program, ...args]: readonly [string, ...string[]],
  signal: AbortSignal,
): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  try {
    const [[code], texts] = await Promise.all([once(child, 'close'), said]);
    if (code === 0) return;
    throw fetchFailed([program, ...args].join(' '), texts.join('').trim().slice(-maxSaid));
  } catch (error) {
    signal.throwIfAborted();
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw toolMissing(program);
    throw error;
  }
}
