import { FlinkRestClient, type JobDetails } from '@tessera/flink-rest';
import type { FlinkStage } from '@tessera/testkit/flink-stage';

/** What one look at the load job shows. */
export interface JobView {
  readonly jobId: string;
  /** Subtasks of the vertex that costs something, and of the widest one: so many slots it has. */
  readonly workers: number;
  readonly slots: number;
  readonly isRunning: boolean;
  /** When its tasks were deployed, milliseconds since 1970; `undefined`: they are not. */
  readonly sinceMs: number | undefined;
  /** Records in front of the source; `undefined`: not told. */
  readonly backlog: number | undefined;
}

const pendingRecords = /\.pendingRecords$/;

/** Looks at one job of a JobManager, and knows which metric tells its backlog. */
export class JobWatcher {
  readonly #rest: FlinkRestClient;
  #metric: { readonly vertexId: string; readonly name: string } | undefined;

  constructor(rest: FlinkRestClient) {
    this.#rest = rest;
  }

  /** The job that is not over; `undefined`: there is none. @throws what asking fails with */
  async look(signal?: AbortSignal): Promise<JobView | undefined> {
    const jobs = await this.#rest.jobs(signal);
    const active = jobs.find(({ state }) => !['CANCELED', 'FAILED', 'FINISHED'].includes(state));
    if (active === undefined) return undefined;
    const job = await this.#rest.job(active.id, signal);
    return {
      jobId: job.id,
      workers: job.vertices.find(({ name }) => name.includes('work'))?.parallelism ?? 0,
      slots: Math.max(0, ...job.vertices.map(({ parallelism }) => parallelism)),
      isRunning: allRun(job),
      sinceMs: firstOf(job.vertices.map(({ startedAtMs }) => startedAtMs)),
      backlog: await this.#backlog(job, signal).catch(() => undefined),
    };
  }

  async #backlog(job: JobDetails, signal: AbortSignal | undefined): Promise<number | undefined> {
    const source = job.vertices.find(({ inputs }) => inputs.length === 0);
    if (source === undefined) return undefined;
    const scope = { jobId: job.id, vertexId: source.id };
    if (this.#metric?.vertexId !== source.id) {
      const names = await this.#rest.metricNames({ kind: 'vertex', ...scope }, signal);
      const name = names.find((one) => pendingRecords.test(one))?.replace(/^\d+\./, '');
      if (name === undefined) return undefined;
      this.#metric = { vertexId: source.id, name };
    }
    const { name } = this.#metric;
    return (await this.#rest.aggregatedMetrics(scope, [name], signal)).get(name)?.sum;
  }
}

/** Whether every subtask of it runs. */
function allRun({ state, vertices }: JobDetails): boolean {
  if (state !== 'RUNNING' || vertices.length === 0) return false;
  return vertices.every(({ tasks, parallelism }) => tasks.RUNNING === parallelism);
}

function firstOf(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** The JobManager's REST interface; `undefined`: none runs. */
export async function restOf(stage: FlinkStage): Promise<FlinkRestClient | undefined> {
  const url = await stage.jobManagerUrl();
  return url === undefined ? undefined : new FlinkRestClient({ url });
}
