import { isTesseraError } from '@tessera/base';
import { flink } from '@tessera/proto';
import { bundle, clusterOf } from '../fixture.ts';
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

/** Users, who change their minds about clusters, jobs and hosts. */
export class Users {
  readonly wishes = new Map<string, Wish>();
  readonly #platform: Platform;
  readonly #names: readonly string[];
  /** Versions of the cluster that cannot be run. */
  readonly badVersions = new Set<bigint>();
  #cluster: Partial<flink.FlinkClusterSpec> = {};
  #isPaused = false;
  #versions = 0;
  #incarnations = 0;
  #requests = 0;

  constructor(platform: Platform, names: readonly string[]) {
    this.#platform = platform;
    this.#names = names;
  }

  async begin(): Promise<void> {
    this.#cluster = {
      taskManagerCount: this.#random.integer(1, 3),
      maxTaskManagerCount: this.#random.pick([0, mostTaskManagers]),
      stateDirectory: 'file:///state',
    };
    await this.#applyCluster();
    for (const name of this.#names) await this.#change(name);
  }

  get #random() {
    return this.#platform.world.random;
  }

  /** One wish, whatever it is. */
  async wish(): Promise<void> {
    const { next, pick, integer } = this.#random;
    const luck = next();
    if (luck < 0.5) await this.#change(pick(this.#names));
    else if (luck < 0.58) await this.#delete(pick(this.#names));
    else if (luck < 0.65) this.#want(pick(this.#names));
    else if (luck < 0.75) await this.#drain(pick(this.#platform.machines).name, next() < 0.6);
    else {
      if (luck < 0.82) this.#isPaused = next() < 0.4;
      else if (luck < 0.88)
        this.#cluster = { ...this.#cluster, taskManagerCount: integer(1, mostTaskManagers) };
      else this.#cluster = { ...this.#cluster, configuration: this.#configuration() };
      await this.#applyCluster();
    }
  }

  /** The last wishes: nothing is paused or drained, and there are slots for all jobs but those that are scaled. */
  async rest(): Promise<void> {
    this.#isPaused = false;
    const isScaled = this.#cluster.maxTaskManagerCount !== 0;
    const taskManagerCount = isScaled ? 1 : mostTaskManagers;
    const configuration = this.#configuration(true);
    this.#cluster = { ...this.#cluster, taskManagerCount, configuration };
    await this.#applyCluster();
    for (const { name } of this.#platform.machines) await this.#drain(name, false);
    for (const name of this.#names) if (this.#random.next() < 0.5) await this.#change(name, true);
  }

  /** A mistake, when all is at rest. */
  async blunder(): Promise<void> {
    const key = this.#random.pick(keys);
    this.#cluster = { ...this.#cluster, configuration: { [key]: rubbish } };
    await this.#applyCluster();
  }

  #configuration(isSound = false): Record<string, string> {
    const { next, pick, integer } = this.#random;
    const value = !isSound && next() < 0.4 ? rubbish : String(integer(1, 3));
    return { [pick(keys)]: value };
  }

  async #applyCluster(): Promise<void> {
    const flinkCluster = { ...clusterOf('c', this.#cluster), paused: this.#isPaused };
    const { flinkClusters } = this.#platform.clients;
    const { version } = await flinkClusters.updateFlinkCluster({
      flinkCluster,
      allowMissing: true,
    });
    const isBad = Object.values(this.#cluster.configuration ?? {}).includes(rubbish);
    if (isBad) this.badVersions.add(version);
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
      cluster: 'flink-clusters/c',
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
    return { strategy: strategyOf(name), priority: this.#random.integer(0, 1), ...cooldowns };
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
    await this.#platform.clients.hosts
      .updateHost({ host, updateMask: ['draining'] })
      .catch((error: unknown) => {
        if (!isTesseraError(error, 'HOST_NOT_FOUND')) throw error; // It has not registered itself yet.
      });
  }
}
