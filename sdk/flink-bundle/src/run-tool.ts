import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fetchFailed, noSpace, toolMissing } from './errors.ts';

/** So much of what a program said last is told of its failure. */
const maxSaid = 2_000;

export interface ToolRun {
  /** What it needs for a while is kept here, and goes with this. */
  readonly temporary: string;
  readonly signal: AbortSignal;
}

/**
 * Runs a program to its end; what it prints is shown only when it fails. Interrupted, it has ended with all that it has started when this throws, so that nothing is written any more.
 * @throws FLINK_TOOL_MISSING, FLINK_FETCH_FAILED, FLINK_BUNDLE_NO_SPACE; what the signal was aborted with
 */
export async function runTool(
  [program, ...args]: readonly [string, ...string[]],
  { temporary, signal }: ToolRun,
): Promise<void> {
  signal.throwIfAborted();
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: temporary },
    detached: true, // A group of its own, which can be ended as a whole.
  });
  const interrupt = () => killGroup(child);
  signal.addEventListener('abort', interrupt);
  try {
    const said = Promise.all([text(child.stdout), text(child.stderr)]);
    const [[code], texts] = await Promise.all([once(child, 'close'), said]);
    signal.throwIfAborted();
    if (code === 0) return;
    const last = texts.join('').trim().slice(-maxSaid);
    if (/No space left on device|Disk quota exceeded/.test(last)) throw noSpace(temporary, last);
    throw fetchFailed([program, ...args].join(' '), last);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw toolMissing(program);
    throw error;
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
