import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { checkResourceId, messageOf } from '@tessera/base';
import { upMs } from '../contact/deadline-file.ts';
import {
  artifactInUse,
  hostCutOff,
  processExists,
  processNotFound,
  processRunning,
  processStopping,
  specInvalid,
  tooManyProcesses,
} from '../errors.ts';
import type { Fence, Journal } from '../journal/journal.ts';
import { ChangeHistory } from './change-history.ts';
import { foldersOf, logsOf, prepareRun, workFolderOf } from './prepare-run.ts';
import { type KeeperOptions, ProcessKeeper } from './process-keeper.ts';
import {
  created,
  hasEnded,
  type ProcessRecord,
  type StartRequest,
  startedAgain,
  stateOf,
  stopped,
} from './process-record.ts';
import { faultsOf, isSameSpec, type ProcessSpec } from './process-spec.ts';
import { followLog, type LogChunk, type LogRequest } from './read-log.ts';

export interface ProcessesOptions extends Omit<KeeperOptions, 'save'> {
  readonly journal: Journal;
  readonly maxProcesses: number;
  /** Whether the host is out of touch with metadata for too long. */
  readonly isCutOff: () => boolean;
}

/** The processes of a host. What is asked for is in the journal when a call returns. */
export class Processes implements AsyncDisposable {
  readonly #options: ProcessesOptions;
  readonly #keepers = new Map<string, ProcessKeeper>();
  readonly changes: ChangeHistory<ProcessRecord>;

  /** Takes up what the journal says: adopts what runs, and finds out what has ended. */
  constructor(options: ProcessesOptions) {
    this.#options = options;
    this.changes = new ChangeHistory(options.journal.revision);
    for (const record of options.journal.processes()) this.#keep(record);
  }

  get revision(): bigint {
    return this.#options.journal.revision;
  }

  /** @throws PROCESS_NOT_FOUND. */
  get(id: string): ProcessRecord {
    return this.#keeper(id).record;
  }

  /** By name. */
  list(): readonly ProcessRecord[] {
    const records = [...this.#keepers.values()].map(({ record }) => record);
    return records.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /**
   * @throws PROCESS_INVALID, HOST_CUT_OFF, PROCESS_EXISTS, PROCESS_STOPPING, TOO_MANY_PROCESSES, FENCED, and what preparing a run
   * does; nothing was started then.
   */
  async start(
    id: string,
    asked: { readonly spec: ProcessSpec; readonly requestId: string; readonly fence?: Fence },
  ): Promise<ProcessRecord> {
    checkResourceId(id, 'process');
    const faults = faultsOf(asked.spec);
    if (faults.length > 0) throw specInvalid(id, faults);
    if (asked.spec.endWhenCutOff && this.#options.isCutOff()) throw hostCutOff(id);
    const request = { ...asked, nowMs: Number(this.#options.clock.now() / 1000n) };
    if (this.#next(id, request) === this.#keepers.get(id)?.record) return this.get(id);
    await prepareRun(created(id, '', request), this.#options);
    // Others may have asked for something in the meantime.
    const record = this.#next(id, request);
    this.#options.journal.checkFence(asked.fence);
    const keeper = this.#keepers.get(id);
    if (keeper === undefined) this.#keep(this.#save(record));
    else keeper.change(record);
    return this.get(id);
  }

  /** @throws PROCESS_NOT_FOUND, FENCED. */
  stop(id: string, { graceMs, fence }: { graceMs?: number; fence?: Fence }): ProcessRecord {
    const keeper = this.#keeper(id);
    this.#options.journal.checkFence(fence);
    keeper.change(stopped(keeper.record, upMs() + (graceMs ?? keeper.record.spec.graceMs)));
    return keeper.record;
  }

  /** Kills what must not outlive that the host is cut off; it is not started again before somebody asks for it. */
  endCutOff(): void {
    const { log } = this.#options;
    const nowMs = upMs();
    for (const keeper of this.#keepers.values()) {
      const { id, spec, stopDeadlineMs } = keeper.record;
      const isEnding = stopDeadlineMs !== undefined && stopDeadlineMs <= nowMs;
      if (!spec.endWhenCutOff || hasEnded(keeper.record) || isEnding) continue;
      try {
        keeper.change(stopped(keeper.record, nowMs));
        log.warn({ id }, 'process.cut-off');
      } catch (error) {
        // Its supervisor kills it all the same.
        log.error({ id, error: messageOf(error) }, 'process.cut-off-failed');
      }
    }
  }

  /** Paths of what its spec puts beside it that somebody has changed; nothing is looked at unless it runs. */
  async changedFiles(record: ProcessRecord): Promise<readonly string[]> {
    if (stateOf(record) !== 'RUNNING') return [];
    const { folder, workFiles } = this.#options;
    return workFiles.changed(record.spec, workFolderOf(folder, record).work);
  }

  /** Puts files there again that somebody has changed. @throws PROCESS_NOT_FOUND, FENCED, and what that throws. */
  async restoreFiles(id: string, fence?: Fence): Promise<ProcessRecord> {
    const { record } = this.#keeper(id);
    this.#options.journal.checkFence(fence);
    const { folder, workFiles } = this.#options;
    await workFiles.restore(record.spec, workFolderOf(folder, record));
    return this.get(id);
  }

  /** @throws PROCESS_NOT_FOUND, PROCESS_RUNNING, FENCED. */
  async delete(id: string, fence?: Fence): Promise<void> {
    const keeper = this.#keeper(id);
    if (!hasEnded(keeper.record)) throw processRunning(id);
    this.#options.journal.checkFence(fence);
    const revision = this.#options.journal.deleteProcess(id);
    this.#keepers.delete(id);
    this.changes.add({ id, revision });
    await keeper[Symbol.asyncDispose]();
    await rm(foldersOf(this.#options.folder, id).own, { recursive: true, force: true });
  }

  /** What it printed; see `followLog`. @throws PROCESS_NOT_FOUND, LOG_ROTATED. */
  async *readLog(
    id: string,
    stream: 'output' | 'error',
    request: LogRequest,
    signal: AbortSignal,
  ): AsyncGenerator<LogChunk> {
    const keeper = this.#keeper(id);
    const { clock, folder } = this.#options;
    const isEnded = () => this.#keepers.get(id) !== keeper || hasEnded(keeper.record);
    yield* followLog(logsOf(folder, id)[stream], request, { clock, signal, isEnded });
  }

  /** @throws ARTIFACT_IN_USE. */
  checkUnused(digest: string, name: string): void {
    const user = this.list().find(({ spec }) =>
      spec.artifacts.some((one) => one.digest === digest),
    );
    if (user !== undefined) throw artifactInUse(name, user.id);
  }

  /** Lets go of all processes. They run on. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#keepers.values()].map((keeper) => keeper[Symbol.asyncDispose]()));
  }

  /** The record after a request to start; the present one when there is nothing to do. */
  #next(id: string, request: StartRequest): ProcessRecord {
    const { maxProcesses } = this.#options;
    const present = this.#keepers.get(id)?.record;
    if (present === undefined) {
      if (this.#keepers.size >= maxProcesses) throw tooManyProcesses(maxProcesses);
      return created(id, randomUUID(), request);
    }
    const isRepeated = request.requestId !== '' && request.requestId === present.requestId;
    if (isRepeated) return present;
    if (stateOf(present) === 'STOPPING') throw processStopping(id);
    if (hasEnded(present)) return startedAgain(present, request);
    if (!isSameSpec(present.spec, request.spec)) throw processExists(id);
    return present;
  }

  #keeper(id: string): ProcessKeeper {
    const keeper = this.#keepers.get(id);
    if (keeper === undefined) throw processNotFound(id);
    return keeper;
  }

  #keep(record: ProcessRecord): void {
    const save = (changed: ProcessRecord) => this.#save(changed);
    this.#keepers.set(record.id, new ProcessKeeper(record, { ...this.#options, save }));
  }

  #save(record: ProcessRecord): ProcessRecord {
    const saved = this.#options.journal.saveProcess(record);
    this.changes.add({ id: saved.id, revision: BigInt(saved.revision), value: saved });
    return saved;
  }
}
