import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { checkResourceId, messageOf } from '@tessera/base';
import { upMs } from '../contact/deadline-file.ts';
import {
  artifactInUse,
  hostCutOff,
  processExists,
  processNotFound,
  processOutlived,
  processRunning,
  processStopping,
  specInvalid,
  tooManyProcesses,
} from '../errors.ts';
import type { Fence, Journal } from '../journal/journal.ts';
import type { PortHolder, PortHolders } from '../proc/held-ports.ts';
import { markedProcesses } from '../proc/members.ts';
import { ChangeHistory } from './change-history.ts';
import { killOutlived, processOfMark, runOfMark } from './outlived.ts';
import { foldersOf, logsOf, prepareRun, workFolderOf } from './prepare-run.ts';
import { type KeeperOptions, ProcessKeeper } from './process-keeper.ts';
import {
  created,
  hasEnded,
  markOf,
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
  readonly portHolders: PortHolders;
  /** Whether the host is out of touch with metadata for too long. */
  readonly isCutOff: () => boolean;
}

export interface HeldPort extends PortHolder {
  /** The run that holds it, for people. */
  readonly holder: string;
}

/** The processes of a host. What is asked for is in the journal when a call returns. */
export class Processes implements AsyncDisposable {
  readonly #options: ProcessesOptions;
  readonly #keepers = new Map<string, ProcessKeeper>();
  /** Those whose folders are being removed. */
  readonly #removals = new Map<string, Promise<void>>();
  /** Sockets that were told of in the log. */
  #heldSockets: ReadonlySet<string> = new Set();
  readonly changes: ChangeHistory<ProcessRecord>;

  /** Takes up what the journal says: adopts what runs, finds out what has ended, and kills what is left of ended runs. */
  constructor(options: ProcessesOptions) {
    this.#options = options;
    this.changes = new ChangeHistory(options.journal.revision);
    const marked = markedProcesses();
    for (const record of options.journal.processes()) {
      killOutlived(record, marked, options.log);
      this.#keep(record);
    }
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
    await this.#removals.get(id);
    if (this.#next(id, request) === this.#keepers.get(id)?.record) return this.get(id);
    await prepareRun(created(id, '', request), this.#options);
    await this.#removals.get(id);
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

  /**
   * Its name can be taken again when this returns; who asks for that earlier waits.
   * @throws PROCESS_NOT_FOUND, PROCESS_RUNNING, PROCESS_OUTLIVED, FENCED.
   */
  async delete(id: string, fence?: Fence): Promise<void> {
    const keeper = this.#keeper(id);
    if (!hasEnded(keeper.record)) throw processRunning(id);
    this.#options.journal.checkFence(fence);
    const outlived = killOutlived(keeper.record, markedProcesses(), this.#options.log);
    if (outlived.length > 0) throw processOutlived(id, outlived);
    const revision = this.#options.journal.deleteProcess(id);
    this.#keepers.delete(id);
    this.changes.add({ id, revision });
    const removal = this.#remove(keeper).finally(() => this.#removals.delete(id));
    this.#removals.set(
      id,
      removal.catch(() => {}),
    );
    await removal;
  }

  async #remove(keeper: ProcessKeeper): Promise<void> {
    await keeper[Symbol.asyncDispose]();
    const { own } = foldersOf(this.#options.folder, keeper.record.id);
    await rm(own, { recursive: true, force: true });
  }

  /** Ports of this host that processes hold whose run is over, or not of this host: nothing that it starts can listen there. */
  heldPorts(): readonly HeldPort[] {
    const records = this.list();
    const present = new Set(records.filter(({ isActive }) => isActive).map(markOf));
    const held = this.#options.portHolders.read().filter(({ mark }) => !present.has(mark));
    for (const { inode, ...facts } of held) {
      if (!this.#heldSockets.has(inode)) this.#options.log.warn(facts, 'port.held');
    }
    this.#heldSockets = new Set(held.map(({ inode }) => inode));
    return held.map((holder) => {
      const { mark } = holder;
      const own = records.find(({ uid }) => uid === processOfMark(mark));
      const unknown = `run ${mark}, which this host does not know`;
      return {
        ...holder,
        holder: own === undefined ? unknown : `run ${runOfMark(mark)} of ${own.id}`,
      };
    });
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
