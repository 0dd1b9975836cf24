import { isTesseraError } from '@tessera/base';
import { flink } from '@tessera/proto';
import { bundle, clusterOf } from '../fixture.ts';
import { type Attempt, nameOf, slotsEach } from './attempt.ts';
import { rubbish } from './machine.ts';
import type { Platform } from './platform.ts';
import { strategyOf } from './wants.ts';

const { UPGRADE_MODE_SAVEPOINT, UPGRADE_MODE_LAST_STATE } = flink.UpgradeMode;

/** TaskManagers alone are changed by some, and all processes by others. */
const keys = ['taskmanager.network.retries', 'pekko.ask.timeout'] as const;

const anyFlaw: readonly Wish['flaw'][] = ['none', 'none', 'none', 'bad', 'refused'];
const soundOnly: readonly Wish['flaw'][] = ['none'];

/** Enough for all jobs that are not scaled, and not for all that are. */
export const mostTaskManagers = 4;

/** What users want of one job. */
export interface Wish {
  /** Resources of one name that follow each other. */
  readonly incarnation: number;
  readonly version: number;
  /** It fails while it runs, or its program does not come to submit anything. */
  readonly flaw: 'none' | 'bad' | 'refused';
  readonly spec: flink.FlinkJobSpec;
  /** The last savepoint that was asked for; empty: none was. */
  readonly savepointRequest: string;
}

/** What users want of one cluster. */
interface ClusterWish {
  readonly spec: Partial<flink.FlinkClusterSpec>;
  readonly isPaused: boolean;
}

/** A cluster that no hosts can hold: some of its processes would find room. */
export const oversized = 'oversized';

export interface Names {
  /** They share the machines, and jobs move between them. */
  readonly clusters: readonly string[];
  readonly jobs: readonly string[];
}

/** Users, who change their minds about clusters, jobs and hosts. */
export class Users {
  readonly wishes = new Map<string, Wish>();
  /** Machines that are drained. */
  readonly drained = new Set<string>();
  readonly names: Names;
  /** The job whose strategy wants a size that does it harm, and the one that it had. */
  tempted: { readonly job: string; readonly size: number } | undefined;
  readonly #platform: Platform;
  readonly #badVersions = new Set<string>();
  readonly #clusters = new Map<string, ClusterWish>();
  #versions = 0;
  #incarnations = 0;
  #requests = 0;

  constructor(platform: Platform, names: Names) {
    this.#platform = platform;
    this.names = names;
  }

  async begin(): Promise<void> {
    const { integer, pick, next } = this.#random;
    for (const id of this.names.clusters) {
      const taskManagerCount = integer(1, 3);
      const maxTaskManagerCount = pick([0, mostTaskManagers]);
      await this.#changeCluster(id, { taskManagerCount, maxTaskManagerCount });
    }
    for (const name of this.names.jobs) await this.#change(name);
    if (next() < 0.3) await this.#applyOversized();
  }

  get #random() {
    return this.#platform.world.random;
  }

  /** One wish, whatever it is. */
  async wish(): Promise<void> {
    const { next, pick, integer } = this.#random;
    const { clusters, jobs } = this.names;
    const luck = next();
    if (luck < 0.5) await this.#change(pick(jobs));
    else if (luck < 0.58) await this.#delete(pick(jobs));
    else if (luck < 0.65) this.#want(pick(jobs));
    else if (luck < 0.75) await this.#drain(pick(this.#platform.machines).name, next() < 0.6);
    else if (luck < 0.82) await this.#changeCluster(pick(clusters), {}, next() < 0.4);
    else {
      const taskManagerCount = integer(1, mostTaskManagers);
      const change = luck < 0.88 ? { taskManagerCount } : { configuration: this.#configuration() };
      await this.#changeCluster(pick(clusters), change);
    }
  }

  /** The last wishes for jobs: nothing is paused or drained, and there are slots for all of them but those that are scaled. */
  async rest(): Promise<void> {
    for (const [id, { spec }] of this.#clusters) {
      const taskManagerCount = spec.maxTaskManagerCount === 0 ? mostTaskManagers : 1;
      const configuration = this.#configuration(true);
      await this.#changeCluster(id, { taskManagerCount, configuration }, false);
    }
    for (const { name } of this.#platform.machines) await this.#drain(name, false);
    const { next } = this.#random;
    for (const name of this.names.jobs) if (next() < 0.5) await this.#change(name, true);
  }

  /** Jobs that run have to move: a machine is drained, if there is room for all on the others, or a cluster is configured otherwise. */
  async move(): Promise<void> {
    const { next, pick } = this.#random;
    const { machines } = this.#platform;
    const { clusters } = this.names;
    const hasRoom = machines.length > machinesFor(clusters.length);
    if (hasRoom && next() < 0.7) await this.#drain(pick(machines).name, true);
    else await this.#changeCluster(pick(clusters), { configuration: this.#configuration(true) });
  }

  /** A mistake, when all is at rest. */
  async blunder(): Promise<void> {
    const { pick } = this.#random;
    const configuration = { [pick(keys)]: rubbish };
    await this.#changeCluster(pick(this.names.clusters), { configuration });
  }

  /** When all is at rest: a job that has what its strategy wants, and could have more. */
  promising(): Attempt | undefined {
    const { jobManagers, wants } = this.#platform;
    return jobManagers.alive().find((attempt) => {
      const { scaling } = this.wishes.get(nameOf(attempt.job))!.spec;
      if (scaling === undefined) return false;
      const sharing = jobManagers.sharing(attempt);
      const taken = sharing.reduce((sum, { upperBound }) => sum + upperBound, 0);
      const isContent = wants.subtasks.get(scaling.strategy) === attempt.upperBound;
      return isContent && taken < mostTaskManagers * slotsEach;
    });
  }

  /** The strategy of a job wants one subtask more, with which it does less. */
  tempt({ job, upperBound: size }: Attempt): void {
    const { jobManagers, wants } = this.#platform;
    const name = nameOf(job);
    this.tempted = { job: name, size };
    jobManagers.crowdedFrom.set(name, size + 1);
    wants.subtasks.set(strategyOf(name), size + 1);
  }

  /** Whether a version of a cluster cannot be run. */
  isBad(cluster: string, version: bigint): boolean {
    return this.#badVersions.has(`${cluster} ${version}`);
  }

  #configuration(isSound = false): Record<string, string> {
    const { next, pick, integer } = this.#random;
    const value = !isSound && next() < 0.4 ? rubbish : String(integer(1, 3));
    return { [pick(keys)]: value };
  }

  async #changeCluster(
    id: string,
    change: Partial<flink.FlinkClusterSpec>,
    paused?: boolean,
  ): Promise<void> {
    const { spec: before, isPaused: wasPaused } = this.#clusters.get(id) ?? newCluster;
    const spec = { ...before, ...change };
    const isPaused = paused ?? wasPaused;
    this.#clusters.set(id, { spec, isPaused });
    const version = await this.#applyCluster({ ...clusterOf(id, spec), paused: isPaused });
    const isBad = Object.values(spec.configuration ?? {}).includes(rubbish);
    if (isBad) this.#badVersions.add(`${id} ${version}`);
  }

  /** Served before the others, or after them. */
  async #applyOversized(): Promise<void> {
    const priority = this.#random.integer(-1, 1);
    const spec = { ...newCluster.spec, taskManagerCount: 40, priority };
    await this.#applyCluster(clusterOf(oversized, spec));
  }

  async #applyCluster(flinkCluster: flink.FlinkCluster): Promise<bigint> {
    const { flinkClusters } = this.#platform.clients;
    const { version } = await flinkClusters.updateFlinkCluster({
      flinkCluster,
      allowMissing: true,
    });
    return version;
  }

  /** @param isSound a program that works, and that is to run */
  async #change(name: string, isSound = false): Promise<void> {
    const { next, pick, integer } = this.#random;
    const before = this.wishes.get(name);
    const incarnation = before?.incarnation ?? ++this.#incarnations;
    const isNew = isSound || before === undefined || next() < 0.5;
    const version = isNew ? ++this.#versions : before.version;
    const flaws = isSound ? soundOnly : anyFlaw;
    const flaw = isNew ? pick(flaws) : before.flaw;
    const configuration = {
      version: String(version),
      ...(flaw !== 'none' && { [flaw]: 'yes' }),
    };
    const spec = flink.FlinkJobSpec.fromPartial({
      cluster: `flink-clusters/${pick(this.names.clusters)}`,
      parallelism: integer(1, 4),
      program: {
        $case: 'jar',
        value: { artifact: bundle, arguments: [`${name}#${incarnation}`] },
      },
      configuration,
      suspended: next() < 0.25 && !isSound,
      ...(next() < 0.5 && { scaling: this.#scaling(name) }),
      upgradeMode: pick([UPGRADE_MODE_SAVEPOINT, UPGRADE_MODE_LAST_STATE]),
      rollbackDisabled: next() < 0.2,
    });
    const isAsking = next() < 0.3;
    const savepointRequest = isAsking ? `s${++this.#requests}` : (before?.savepointRequest ?? '');
    const flinkJob = { name: `flink-jobs/${name}`, spec, savepointRequest };
    try {
      await this.#platform.clients.flinkJobs.updateFlinkJob({ flinkJob, allowMissing: true });
      this.wishes.set(name, { incarnation, version, flaw, spec, savepointRequest });
    } catch (error) {
      if (!isTesseraError(error, 'FLINK_JOB_ENDING')) throw error; // An earlier one of its name is still being stopped.
    }
  }

  #want(name: string): void {
    this.#platform.wants.subtasks.set(strategyOf(name), this.#random.pick([1, 2, 4, 8]));
  }

  #scaling(name: string): Partial<flink.FlinkScaling> {
    this.#want(name);
    const cooldown = { seconds: 1n, nanos: 0 };
    const cooldowns = { cooldownBeforeUp: cooldown, cooldownBeforeDown: cooldown };
    const priority = this.#random.integer(0, 1);
    return { strategy: strategyOf(name), priority, ...cooldowns, rollback };
  }

  async #delete(name: string): Promise<void> {
    this.wishes.delete(name);
    await this.#platform.clients.flinkJobs.deleteFlinkJob({
      name: `flink-jobs/${name}`,
      allowMissing: true,
    });
  }

  async #drain(name: string, draining: boolean): Promise<void> {
    const host = { name: `hosts/${name}`, draining };
    try {
      await this.#platform.clients.hosts.updateHost({ host, updateMask: ['draining'] });
    } catch (error) {
      if (!isTesseraError(error, 'HOST_NOT_FOUND')) throw error; // It has not registered itself yet.
      return;
    }
    if (draining) this.drained.add(name);
    else this.drained.delete(name);
  }
}

/** It is soon seen whether a rescale has made things worse. */
const rollback: flink.RollbackRules = {
  ...{ enabled: true, stabilizationMs: 5_000, windowMs: 15_000 },
  ...{ tolerance: 0.1, avoidMs: 3_600_000 },
};
/** For so long a job has done as before, so that it can be compared. */
export const comparableMs = 45_000;

const newCluster: ClusterWish = { spec: { stateDirectory: 'file:///state' }, isPaused: false };

/** As many as hold that many clusters with all TaskManagers that they may have. */
export function machinesFor(clusters: number): number {
  return 1 + clusters;
}
