/**
 * The program that stands between the host daemon and one run of a process, so that somebody sees the exit code when
 * the daemon is away. It takes the run, starts the main program as leader of its own session and group with its
 * output on files, writes down who that is, keeps the files within their limits, kills a program that must not outlive
 * that its host is cut off, and at last writes down how it ended. It does nothing else; should it be killed, only the
 * exit code is lost as long as the daemon is there.
 *
 * Argument: the folder of the run.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDeadline, upMs } from '../contact/deadline-file.ts';
import { identify } from '../proc/process-identity.ts';
import { recoverRotation, rotateLog } from './rotate-log.ts';
import { type RunPlan, runPlanFile } from './run-plan.ts';
import { claimRun, type ExitCause, notStarted, type RunClaim } from './run-status.ts';

const watchIntervalMs = 500;
/** The daemon comes first, which writes down what it does. */
const daemonFirstMs = 1_000;

/** Signals meant for the daemon, or for everybody on a terminal, end the main program only by way of the daemon. */
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});

const folder = process.argv[2]!;
const claim = claimRun(folder, { supervisor: identify(process.pid)! });
if (claim !== undefined) supervise(claim, readPlan());

function readPlan(): RunPlan {
  return JSON.parse(readFileSync(join(folder, runPlanFile), 'utf8'));
}

function supervise(claim: RunClaim, plan: RunPlan): void {
  let watching: NodeJS.Timeout | undefined;
  const end = (cause: ExitCause) => {
    clearInterval(watching);
    claim.add({ exit: { cause, atMs: Date.now() } });
  };
  let child: ChildProcess;
  try {
    recoverLogs(plan);
    child = start(plan);
  } catch (error) {
    end(notStarted(error instanceof Error ? error.message : String(error)));
    return;
  }
  child.on('error', (error) => {
    if (child.pid === undefined) end(notStarted(error.message));
  });
  child.on('exit', (code, signal) => {
    end(signal === null ? { kind: 'code', code: code! } : { kind: 'signal', signal });
  });
  if (child.pid === undefined) return;
  // It is not reaped before this turn of the event loop is over, so even one that has ended already is identified.
  claim.add({ child: identify(child.pid)! });
  const { pid } = child;
  watching = setInterval(() => {
    keepWithinLimits(plan);
    if (isCutOff(plan)) killGroup(pid);
  }, watchIntervalMs);
}

function start({ argv, environment, workingDirectory, ...logs }: RunPlan): ChildProcess {
  const files = [logs.outputLog, logs.errorLog].map((path) => openSync(path, 'a', 0o640));
  try {
    return spawn(argv[0]!, argv.slice(1), {
      cwd: workingDirectory,
      env: environment,
      detached: true,
      stdio: ['ignore', files[0]!, files[1]!],
    });
  } finally {
    files.forEach(closeSync);
  }
}

function recoverLogs({ outputLog, errorLog }: RunPlan): void {
  for (const log of [outputLog, errorLog]) recoverRotation(log);
}

/** A disk that is full must not end the supervisor: the next turn tries again. */
function keepWithinLimits({ outputLog, errorLog, rotation }: RunPlan): void {
  for (const log of [outputLog, errorLog]) {
    try {
      rotateLog(log, rotation);
    } catch {
      recoverRotation(log);
    }
  }
}

/** Where nothing can be read, nobody vouches for contact. */
function isCutOff({ contactFile }: RunPlan): boolean {
  if (contactFile === undefined) return false;
  return upMs() > (readDeadline(contactFile) ?? Number.NEGATIVE_INFINITY) + daemonFirstMs;
}

/** The child leads it, and is not reaped before this process sees its end: the number is still its own. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It is ending.
  }
}
