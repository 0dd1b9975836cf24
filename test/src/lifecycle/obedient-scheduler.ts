import { resourceIdOf, systemClock } from '@tessera/base';
import { listAll, type TesseraClient } from '@tessera/client';
import { flink } from '@tessera/proto';

const { FLINK_JOB_PHASE_RUNNING, FLINK_JOB_PHASE_STOPPED } = flink.FlinkJobPhase;
const { FLINK_PROCESS_ROLE_JOB_MANAGER, FLINK_PROCESS_ROLE_TASK_MANAGER } = flink.FlinkProcessRole;
const { FLINK_SAVEPOINT_STATE_COMPLETED, FLINK_SAVEPOINT_STATE_FAILED } = flink.FlinkSavepointState;
const lookMs = 20;
/** Nothing renews it: longer than a test takes. */
const leaseTtl = { seconds: 600n, nanos: 0 };

/** What a scheduler would write of Flink if everything succeeded at once: no process and no Flink is there. */
export class ObedientScheduler implements AsyncDisposable {
  readonly #client: TesseraClient;
  readonly #over = new AbortController();
  readonly #done: Promise<void>;
  /** Of a job, instead of that it is as wanted. */
  readonly instead = new Map<string, Partial<flink.FlinkJobStatus>>();
  /** Conditions of clusters that are not carried out because of them. */
  readonly hindrances = new Map<string, string>();
  /** Conditions of clusters that are carried out all the same. */
  readonly remarks = new Map<string, string>();
  /** Why savepoints fail; empty: they do not. */
  savepointFailure = '';
  /** Words that savepoints are asked for by, of which only this one is heard. Absent: each is. */
  heardRequest: string | undefined;
  /** The port of what answers as JobManager on host `a`. */
  restPort = 0;

  constructor(client: TesseraClient) {
    this.#client = client;
    this.#done = this.#run();
  }

  /** Ends it as one ends that is stopped: nobody leads afterwards. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#over;
    const { leases } = this.#client;
    const { name, fencingToken } = await leases.acquireLease({
      ...{ name: 'leases/scheduler', holder: 'obedient', ttl: leaseTtl },
    });
    while (!signal.aborted) {
      await this.#look();
      await systemClock.sleep(lookMs, signal).catch(() => {});
    }
    await leases.releaseLease({ name, fencingToken });
  }

  async #look(): Promise<void> {
    const client = this.#client;
    const [clusters, jobs] = await Promise.all([
      listAll(client, 'flinkClusters'),
      listAll(client, 'flinkJobs'),
    ]);
    for (const cluster of clusters.resources) await this.#carryOutCluster(cluster);
    for (const job of jobs.resources) await this.#carryOutJob(job);
  }

  async #carryOutCluster({ name, version, spec, paused }: flink.FlinkCluster): Promise<void> {
    const id = resourceIdOf(name);
    const statusName = `flink-cluster-statuses/${id}`;
    const before = await this.#client.flinkClusters
      .getFlinkClusterStatus({ name: statusName })
      .catch(() => undefined);
    const reason = this.hindrances.get(id);
    const told = reason ?? this.remarks.get(id);
    const roles = [
      { role: FLINK_PROCESS_ROLE_JOB_MANAGER, number: 1, ports: [1, this.restPort, 3] },
      ...Array.from({ length: spec?.taskManagerCount ?? 0 }, (_, i) => {
        return { role: FLINK_PROCESS_ROLE_TASK_MANAGER, number: i + 1, ports: [10 + i] };
      }),
    ];
    const processes = [
      `processes/${id}-jm-1`,
      ...roles.slice(1).map(({ number }) => `processes/${id}-tm-${number}`),
    ];
    const isOut = reason === undefined && !paused;
    await this.#client.flinkClusters.updateFlinkClusterStatus({
      flinkClusterStatus: {
        ...{ name: statusName, version, ...(before && { etag: before.etag }) },
        placement: isOut ? roles.map((one) => ({ ...one, host: 'hosts/a' })) : [],
        started: isOut ? processes.map((process) => ({ process, host: 'hosts/a' })) : [],
        waitsFor: paused ? 'somebody to let it go on: it is paused' : reason ? 'help' : '',
        conditions: told ? [{ reason: told, message: 'Something is in the way.' }] : [],
      },
    });
  }

  async #carryOutJob({
    name,
    version,
    spec,
    savepointRequest: request,
  }: flink.FlinkJob): Promise<void> {
    const id = resourceIdOf(name);
    const statusName = `flink-job-statuses/${id}`;
    const before = await this.#client.flinkJobs
      .getFlinkJobStatus({ name: statusName })
      .catch(() => undefined);
    const isNew = before?.version !== version;
    await this.#client.flinkJobs.updateFlinkJobStatus({
      flinkJobStatus: {
        ...{ name: statusName, version, ...(before && { etag: before.etag }) },
        attempt: (before?.attempt ?? 0n) + (isNew ? 1n : 0n),
        phase: spec?.suspended ? FLINK_JOB_PHASE_STOPPED : FLINK_JOB_PHASE_RUNNING,
        deployed: { jobId: 'a'.repeat(32), spec },
        stableSpec: spec,
        restore: { savepoint: true, path: 'file:///shared/flink/savepoints/x/savepoint-1', id: 7n },
        savepoints: [...(before?.savepoints ?? []), ...this.#savepoints(request, before)],
        ...this.instead.get(id),
      },
    });
  }

  #savepoints(
    request: string,
    before: flink.FlinkJobStatus | undefined,
  ): Partial<flink.FlinkSavepoint>[] {
    const known = before?.savepoints ?? [];
    if (request === '' || (this.heardRequest ?? request) !== request) return [];
    if (known.some((one) => one.request === request)) return [];
    if (this.savepointFailure !== '') {
      return [{ request, state: FLINK_SAVEPOINT_STATE_FAILED, failure: this.savepointFailure }];
    }
    const path = `file:///shared/flink/requested/${known.length + 1}`;
    return [{ request, state: FLINK_SAVEPOINT_STATE_COMPLETED, path }];
  }
}
