import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Clock, messageOf } from '@tessera/base';
import { type Logger, writeDurably } from '@tessera/daemon';
import { upMs } from '../contact/deadline-file.ts';
import {
  lookAt,
  markedProcesses,
  type Run,
  type RunLook,
  signalMembers,
  supervisorMarkName,
} from '../proc/members.ts';
import { isAlive, type ProcessIdentity, readIfThere } from '../proc/process-identity.ts';
import { type Action, decide, type ObservedRun } from './decide.ts';
import { asObserved, type Emptiness, stillEmpty } from './emptiness.ts';
import { killOutlived, outlivedOf } from './outlived.ts';
import { foldersOf, prepareRun, type RunSurroundings } from './prepare-run.ts';
import { childSeen, markOf, type ProcessRecord, runBegun, runEnded } from './process-record.ts';
import { runPlanFile } from './run-plan.ts';
import { claimRun, notStarted, readRunStatus } from './run-status.ts';

export interface KeeperOptions extends RunSurroundings {
  readonly clock: Clock;
  readonly log: Logger;
  /** Writes a record to the journal, and gives it with its revision. */
  readonly save: (record: ProcessRecord) => ProcessRecord;
}

const supervisorFile = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './supervisor.ts' : './supervisor.js', import.meta.url),
);
/** What a supervisor says when it cannot do its work. */
const supervisorLog = 'supervisor.log';
/** How soon a change is seen that nobody reports, as the end of an adopted process. */
const pollMs = 500;
/** The same while something is on its way. */
const busyPollMs = 50;
/** Wait after a step that failed, as when the disk is full. */
const retryMs = 1_000;

/** Keeps one process as it is wanted: observes, decides, acts, until it is disposed. The process itself stays. */
export class ProcessKeeper implements AsyncDisposable {
  readonly #options: KeeperOptions;
  readonly #letGo = new AbortController();
  readonly #running: Promise<void>;
  #record: ProcessRecord;
  #wake: () => void = () => {};
  #mustLook = false;
  /** What this daemon has done for a run, by the run's number. */
  #spawned: { readonly run: number; readonly failure?: string } | undefined;
  #termSentTo: number | undefined;
  #supervisor: ProcessIdentity | undefined;
  #emptiness: Emptiness | undefined;

  constructor(record: ProcessRecord, options: KeeperOptions) {
    this.#record = record;
    this.#options = options;
    this.#running = this.#run(this.#letGo.signal);
  }

  get record(): ProcessRecord {
    return this.#record;
  }

  /** Writes down what is wanted from now on, and sees to it. */
  change(record: ProcessRecord): void {
    if (record === this.#record) return;
    this.#record = this.#options.save(record);
    this.#look();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#letGo.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    const { child, id } = this.#record;
    if (child !== undefined && isAlive(child)) log.info({ id, pid: child.pid }, 'process.adopted');
    while (!signal.aborted) {
      this.#mustLook = false;
      const waitMs = await this.#step().catch((error) => {
        log.error({ id, error: messageOf(error) }, 'process.step-failed');
        return retryMs;
      });
      if (waitMs > 0) await this.#sleep(waitMs, signal);
    }
  }

  /** Takes one step; gives how long nothing needs to be looked at. */
  async #step(): Promise<number> {
    const nowMs = this.#nowMs();
    const observed = this.#observe(nowMs);
    const action = decide(this.#record, observed, { nowMs, upMs: upMs() });
    if (action.kind === 'rest') return Number.POSITIVE_INFINITY;
    if (action.kind === 'wait') {
      return Math.max(1, Math.min(this.#pollMs(), action.forMs ?? Number.POSITIVE_INFINITY));
    }
    await this.#act(action, observed, nowMs);
    if (action.kind === 'end-outlived') return pollMs;
    return action.kind === 'signal' ? busyPollMs : 0;
  }

  #pollMs(): number {
    const { isActive, stopDeadlineMs, child } = this.#record;
    if (!isActive) return Number.POSITIVE_INFINITY;
    return stopDeadlineMs === undefined && child !== undefined ? pollMs : busyPollMs;
  }

  #observe(nowMs: number): ObservedRun {
    if (!this.#record.isActive) return { ...nothing, outlivedCount: this.#countOutlived(nowMs) };
    const { run, stopDeadlineMs } = this.#record;
    const seen = readRunStatus(this.#runFolder);
    const isSupervised = seen?.supervisor !== undefined && isAlive(seen.supervisor);
    // A supervisor that is gone by now may have written something since; nothing comes after that.
    const status = isSupervised ? seen : readRunStatus(this.#runFolder);
    this.#supervisor = status?.supervisor;
    if (status?.child !== undefined && this.#record.child === undefined) {
      this.change(childSeen(this.#record, status.child));
      const { id } = this.#record;
      this.#options.log.info({ id, run, pid: status.child.pid }, 'process.started');
    }
    const { child } = this.#record;
    const spawned = this.#spawned?.run === run ? this.#spawned : undefined;
    const isMainAlive = child !== undefined && isAlive(child);
    const needsCount = !isMainAlive || stopDeadlineMs !== undefined;
    const look = needsCount ? lookAt(this.#members) : nobody;
    const upNow = upMs();
    const isEmpty = !isMainAlive && look.members.length === 0;
    this.#emptiness = isEmpty
      ? stillEmpty(this.#emptiness, { run, nowMs: upNow, changing: look.changing })
      : undefined;
    return {
      isClaimed: status !== undefined,
      isSpawning: spawned !== undefined && spawned.failure === undefined,
      ...(spawned?.failure !== undefined && { spawnFailure: spawned.failure }),
      isSupervised,
      isMainAlive,
      memberCount: look.members.length,
      ...asObserved(this.#emptiness, upNow),
      outlivedCount: 0,
      ...(status?.exit && { exit: status.exit }),
      isTermSent: this.#termSentTo === run,
    };
  }

  #countOutlived(nowMs: number): number {
    const { run, dueMs } = this.#record;
    if (run === 0 || dueMs === undefined || nowMs < dueMs) return 0;
    return outlivedOf(this.#record, markedProcesses()).length;
  }

  async #act(
    action: Exclude<Action, { kind: 'wait' | 'rest' }>,
    observed: ObservedRun,
    nowMs: number,
  ): Promise<void> {
    switch (action.kind) {
      case 'end-outlived':
        killOutlived(this.#record, markedProcesses(), this.#options.log);
        return;
      case 'begin-run':
        return this.change(runBegun(this.#record, nowMs));
      case 'spawn':
        return this.#spawn();
      case 'call-off':
        return this.#callOff(action.why);
      case 'signal':
        return this.#signal(action.signal);
      case 'end-run': {
        const { id, run, child } = this.#record;
        this.change(runEnded(this.#record, action.exit, nowMs));
        // What was known when it was called over, should something of it be found later.
        const { isSupervised, emptyForMs, suspectCount, exit } = observed;
        const known = { isSupervised, emptyForMs, suspectCount, isExitSeen: exit !== undefined };
        const who = { pid: child?.pid, supervisor: this.#supervisor?.pid };
        this.#options.log.info(
          { id, run, cause: action.exit.cause, ...who, ...known },
          'process.ended',
        );
        rmSync(join(foldersOf(this.#options.folder, id).runs, `${run}`), {
          recursive: true,
          force: true,
        });
      }
    }
  }

  async #spawn(): Promise<void> {
    const before = this.#record;
    const { run } = before;
    const runFolder = this.#runFolder;
    const fail = (failure: string) => {
      this.#spawned = { run, failure };
      this.#look();
    };
    try {
      const plan = await prepareRun(before, this.#options);
      mkdirSync(runFolder, { recursive: true, mode: 0o700 });
      await writeDurably(join(runFolder, runPlanFile), JSON.stringify(plan));
    } catch (error) {
      return fail(messageOf(error));
    }
    if (this.#record !== before) return; // Something else may be wanted by now.
    this.#spawned = { run };
    const { PATH } = this.#options.environment;
    const environment = { ...(PATH && { PATH }), [supervisorMarkName]: markOf(before) };
    const supervisor = startSupervisor(runFolder, environment);
    supervisor.once('error', (error) => fail(error.message));
    // Usually it ends together with the run, which is found in its status.
    supervisor.once('exit', (code) => {
      this.#look();
      if (this.#spawned?.run !== run) return;
      const said = readIfThere(join(runFolder, supervisorLog)) ?? '';
      fail(`Its supervisor ended with ${code} before it began. ${said}`);
    });
    supervisor.unref();
  }

  #callOff(why: string): void {
    mkdirSync(this.#runFolder, { recursive: true, mode: 0o700 });
    const exit = { cause: notStarted(why), atMs: this.#nowMs() };
    claimRun(this.#runFolder, { exit })?.[Symbol.dispose]();
  }

  #signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    const { id, run } = this.#record;
    this.#options.log.info({ id, run, signal }, 'process.signalled');
    signalMembers(this.#members, signal);
    if (signal === 'SIGTERM') this.#termSentTo = run;
  }

  get #members(): Run {
    const supervisor = this.#supervisor;
    return { leader: this.#record.child, mark: markOf(this.#record), supervisor };
  }

  get #runFolder(): string {
    const { id, run } = this.#record;
    return join(foldersOf(this.#options.folder, id).runs, `${run}`);
  }

  #nowMs(): number {
    return Number(this.#options.clock.now() / 1000n);
  }

  #look(): void {
    this.#mustLook = true;
    this.#wake();
  }

  async #sleep(durationMs: number, signal: AbortSignal): Promise<void> {
    if (this.#mustLook) return;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    const ended = AbortSignal.any([woken.signal, signal]);
    const longestMs = 2 ** 31 - 1; // Of a timer.
    await this.#options.clock.sleep(Math.min(durationMs, longestMs), ended).catch(() => {});
  }
}

function startSupervisor(runFolder: string, environment: NodeJS.ProcessEnv): ChildProcess {
  const log = openSync(join(runFolder, supervisorLog), 'a', 0o600);
  try {
    return spawn(process.execPath, [...supervisorFlags, supervisorFile, runFolder], {
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'ignore', log],
      env: environment,
    });
  } finally {
    closeSync(log);
  }
}

/** Little memory for a program that does little. */
const supervisorFlags = [
  '--disable-warning=ExperimentalWarning',
  '--v8-pool-size=0',
  '--max-semi-space-size=1',
];

const nobody: RunLook = { members: [], changing: [] };
const nothing: ObservedRun = {
  isClaimed: false,
  isSpawning: false,
  isSupervised: false,
  isMainAlive: false,
  memberCount: 0,
  suspectCount: 0,
  outlivedCount: 0,
  isTermSent: false,
};
