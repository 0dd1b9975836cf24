import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { isTesseraError } from '@tessera/base';
import { z } from 'zod';
import {
  type ClusterOverview,
  clusterOverviewAnswer,
  configurationAnswer,
  environmentAnswer,
  type JobManagerConfiguration,
  type JobManagerEnvironment,
  type TaskManager,
  type TaskManagerDetails,
  taskManagerDetailsAnswer,
  taskManagersAnswer,
} from './answers/cluster.ts';
import {
  jarsAnswer,
  type RunJar,
  runAnswer,
  runBody,
  type UploadedJar,
  uploadAnswer,
} from './answers/jar.ts';
import {
  exceptionsAnswer,
  type JobDetails,
  type JobException,
  type JobSummary,
  jobDetailsAnswer,
  jobsAnswer,
  resultAnswer,
  type Subtask,
  subtasksAnswer,
} from './answers/job.ts';
import {
  type AggregatedMetric,
  aggregatedMetricsAnswer,
  type MetricScope,
  metricNamesAnswer,
  metricValuesAnswer,
} from './answers/metrics.ts';
import {
  type ResourceRequirements,
  requirementsAnswer,
  requirementsBody,
} from './answers/requirements.ts';
import {
  type Checkpoints,
  checkpointsAnswer,
  type Savepoint,
  savepointAnswer,
  triggerAnswer,
} from './answers/state.ts';
import { flinkAnswerInvalid } from './errors.ts';
import { nameBatches } from './http/name-batches.ts';
import { path } from './http/path.ts';
import { type RestCall, RestCaller, type RestTarget } from './http/rest-caller.ts';

const nothing: z.ZodType<unknown> = z.unknown();

/** Uploads and the main methods of programs take their time: at least so long is waited for them. */
const slowDeadlineMs = 120_000;

/**
 * `CANONICAL`, Flink's default, can be restored with another state backend; jobs whose state is asynchronous cannot make one. `NATIVE` is what the backend's checkpoints are, made and restored faster.
 */
export type SavepointFormat = 'CANONICAL' | 'NATIVE';

export interface StopWithSavepoint {
  /** 32 hexadecimal digits. Asked for again with the same one, the same savepoint goes on. */
  readonly triggerId?: string;
  /** A URI; the configured folder unless told. */
  readonly targetDirectory?: string;
  /** Ends all event time first, so that windows fire: only for a job that is not to go on. */
  readonly drain?: boolean;
  readonly format?: SavepointFormat;
}

export interface TriggerSavepoint {
  readonly triggerId?: string;
  readonly targetDirectory?: string;
  readonly format?: SavepointFormat;
}

/**
 * The REST interface of one JobManager. Thin: each method is one call, unless it says otherwise.
 *
 * Every method throws a TesseraError: FLINK_UNREACHABLE (it does not answer in time, or at all), FLINK_ANSWER_INVALID (something else answers), FLINK_REFUSED (it says why), FLINK_NOT_FOUND (it knows no such
 * thing); or what the signal was aborted with. Only what reads is tried again, once, and only when a connection breaks.
 */
export class FlinkRestClient {
  readonly #caller: RestCaller;

  constructor(target: RestTarget) {
    this.#caller = new RestCaller(target);
  }

  clusterOverview(signal?: AbortSignal): Promise<ClusterOverview> {
    return this.#get('/overview', clusterOverviewAnswer, signal);
  }

  /** Those that are registered. A TaskManager that died is listed until its heartbeat times out. */
  taskManagers(signal?: AbortSignal): Promise<readonly TaskManager[]> {
    return this.#get('/taskmanagers', taskManagersAnswer, signal);
  }

  taskManager(id: string, signal?: AbortSignal): Promise<TaskManagerDetails> {
    return this.#get(path`/taskmanagers/${id}`, taskManagerDetailsAnswer, signal);
  }

  jobManagerConfiguration(signal?: AbortSignal): Promise<JobManagerConfiguration> {
    return this.#get('/jobmanager/config', configurationAnswer, signal);
  }

  jobManagerEnvironment(signal?: AbortSignal): Promise<JobManagerEnvironment> {
    return this.#get('/jobmanager/environment', environmentAnswer, signal);
  }

  /** Names the present run of the JobManager: another one after each start. It is the folder that each run makes for itself under a random name. */
  async jobManagerRun(signal?: AbortSignal): Promise<string> {
    const run = (await this.jobManagerConfiguration(signal)).get('web.tmpdir');
    if (run !== undefined) return run;
    throw flinkAnswerInvalid(
      { method: 'GET', url: '/jobmanager/config' },
      'its configuration has no web.tmpdir',
    );
  }

  /** All jobs since the JobManager was started, those that have ended included as far as it keeps them. */
  jobs(signal?: AbortSignal): Promise<readonly JobSummary[]> {
    return this.#get('/jobs/overview', jobsAnswer, signal);
  }

  job(jobId: string, signal?: AbortSignal): Promise<JobDetails> {
    return this.#get(path`/jobs/${jobId}`, jobDetailsAnswer, signal);
  }

  subtasks(
    { jobId, vertexId }: { readonly jobId: string; readonly vertexId: string },
    signal?: AbortSignal,
  ): Promise<readonly Subtask[]> {
    return this.#get(path`/jobs/${jobId}/vertices/${vertexId}`, subtasksAnswer, signal);
  }

  /** What a job has failed by, in one line, also when that was before it ran; `undefined`: it goes on, or has not failed. */
  endedBy(jobId: string, signal?: AbortSignal): Promise<string | undefined> {
    return this.#get(path`/jobs/${jobId}/execution-result`, resultAnswer, signal);
  }

  /** Those of its tasks while it ran, the newest first. */
  exceptions(jobId: string, signal?: AbortSignal): Promise<readonly JobException[]> {
    return this.#get(path`/jobs/${jobId}/exceptions`, exceptionsAnswer, signal);
  }

  /** Refused while the job initialises. */
  checkpoints(jobId: string, signal?: AbortSignal): Promise<Checkpoints> {
    return this.#get(path`/jobs/${jobId}/checkpoints`, checkpointsAnswer, signal);
  }

  jars(signal?: AbortSignal): Promise<readonly UploadedJar[]> {
    return this.#get('/jars', jarsAnswer, signal);
  }

  /** Sends the file and gives the jar's id. Sent again it is another jar. */
  async uploadJar(
    file: string,
    { name = basename(file) }: { readonly name?: string } = {},
    signal?: AbortSignal,
  ): Promise<string> {
    const form = new FormData();
    form.set('jarfile', await openAsBlob(file, { type: 'application/java-archive' }), name);
    const call = { method: 'POST', path: '/jars/upload', form, answer: uploadAnswer } as const;
    return this.#caller.call({ ...call, act: 'take a jar', deadlineMs: slowDeadlineMs }, signal);
  }

  async deleteJar(jarId: string, signal?: AbortSignal): Promise<void> {
    await this.#caller.call(
      { method: 'DELETE', path: path`/jars/${jarId}`, act: 'delete a jar', answer: nothing },
      signal,
    );
  }

  /**
   * Runs the main method of a jar, which submits the job; gives the job's id. With a `jobId` it does no harm to ask again.
   * @throws TesseraError FLINK_JOB_EXISTS when this JobManager was given a job of that id before; FLINK_REFUSED when the program fails
   */
  runJar(run: RunJar, signal?: AbortSignal): Promise<string> {
    return this.#caller.call(
      {
        method: 'POST',
        path: path`/jars/${run.jarId}/run`,
        act: 'run a jar',
        body: runBody(run),
        answer: runAnswer,
        deadlineMs: slowDeadlineMs,
      },
      signal,
    );
  }

  /**
   * Begins to stop a job with a savepoint; gives the trigger id to ask `savepoint` for. Of a job that is not known, too: then that savepoint has failed. A savepoint that fails restarts the job.
   */
  stopWithSavepoint(
    jobId: string,
    { triggerId, targetDirectory, drain = false, format }: StopWithSavepoint = {},
    signal?: AbortSignal,
  ): Promise<string> {
    const body = { triggerId, targetDirectory, drain, formatType: format };
    const act = 'stop a job with a savepoint';
    return this.#trigger({ path: path`/jobs/${jobId}/stop`, act, body }, signal);
  }

  /** Begins a savepoint of a job that goes on; gives the trigger id to ask `savepoint` for. */
  triggerSavepoint(
    jobId: string,
    { triggerId, targetDirectory, format }: TriggerSavepoint = {},
    signal?: AbortSignal,
  ): Promise<string> {
    const options = { 'target-directory': targetDirectory, 'cancel-job': false };
    const body = { triggerId, ...options, formatType: format };
    const act = 'make a savepoint';
    return this.#trigger({ path: path`/jobs/${jobId}/savepoints`, act, body }, signal);
  }

  /** How far a savepoint is; `undefined` when this JobManager was not asked for one of that id, or has forgotten it. */
  savepoint(
    { jobId, triggerId }: { readonly jobId: string; readonly triggerId: string },
    signal?: AbortSignal,
  ): Promise<Savepoint | undefined> {
    const answer = this.#get(path`/jobs/${jobId}/savepoints/${triggerId}`, savepointAnswer, signal);
    return answer.catch((error: unknown) => {
      if (isTesseraError(error, 'FLINK_NOT_FOUND')) return undefined;
      throw error;
    });
  }

  /** Begins a checkpoint at once: a rescale waits for the next one. */
  triggerCheckpoint(
    jobId: string,
    { triggerId }: { readonly triggerId?: string } = {},
    signal?: AbortSignal,
  ): Promise<string> {
    const call = { path: path`/jobs/${jobId}/checkpoints`, act: 'make a checkpoint' };
    return this.#trigger({ ...call, body: { triggerId } }, signal);
  }

  /** Begins to cancel a job. Cancelled again it does no harm. */
  async cancel(jobId: string, signal?: AbortSignal): Promise<void> {
    const call = {
      method: 'PATCH',
      path: path`/jobs/${jobId}?mode=cancel`,
      act: 'cancel a job',
      answer: nothing,
    } as const;
    await this.#caller.call(call, signal);
  }

  /** What every vertex may have at most and must have at least. */
  resourceRequirements(jobId: string, signal?: AbortSignal): Promise<ResourceRequirements> {
    return this.#get(path`/jobs/${jobId}/resource-requirements`, requirementsAnswer, signal);
  }

  /** Changes a job's parallelism in place, with the adaptive scheduler only. All vertices have to be named. The same one again does no harm. */
  async setResourceRequirements(
    jobId: string,
    requirements: ResourceRequirements,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#caller.call(
      {
        method: 'PUT',
        path: path`/jobs/${jobId}/resource-requirements`,
        act: 'rescale a job',
        body: requirementsBody(requirements),
        answer: nothing,
      },
      signal,
    );
  }

  /** Names of the metrics that there are at present. Tasks that start add theirs. */
  metricNames(scope: MetricScope, signal?: AbortSignal): Promise<readonly string[]> {
    return this.#get(metricsPath(scope), metricNamesAnswer, signal);
  }

  /** Metrics by name; one that does not exist, or is no number, is missing. Several calls when the names are many. */
  async metrics(
    scope: MetricScope,
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, number>> {
    const values: [string, number][] = [];
    for (const batch of nameBatches(names)) {
      const where = `${metricsPath(scope)}?get=${batch}`;
      values.push(...(await this.#get(where, metricValuesAnswer, signal)));
    }
    return new Map(values);
  }

  /**
   * Metrics over all subtasks of a vertex, by name; one that does not exist, or of which a subtask has no number, is missing. Flink gives none at all when it does not know one of them: then those that it knows are
   * asked for again.
   */
  async aggregatedMetrics(
    { jobId, vertexId }: { readonly jobId: string; readonly vertexId: string },
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, AggregatedMetric>> {
    const where = path`/jobs/${jobId}/vertices/${vertexId}/subtasks/metrics`;
    const all = await this.#aggregated(where, names, signal);
    if (all.size > 0 || names.length < 2) return all;
    const known = new Set(await this.#get(where, metricNamesAnswer, signal));
    const asked = names.filter((name) => known.has(name));
    return asked.length === names.length ? all : this.#aggregated(where, asked, signal);
  }

  /** Names of the metrics that a subtask of a vertex has, without its index. Tasks that start add theirs. */
  aggregatedMetricNames(
    { jobId, vertexId }: { readonly jobId: string; readonly vertexId: string },
    signal?: AbortSignal,
  ): Promise<readonly string[]> {
    const where = path`/jobs/${jobId}/vertices/${vertexId}/subtasks/metrics`;
    return this.#get(where, metricNamesAnswer, signal);
  }

  async #aggregated(where: string, names: readonly string[], signal: AbortSignal | undefined) {
    const values: [string, AggregatedMetric][] = [];
    for (const batch of nameBatches(names)) {
      const query = `?get=${batch}&agg=min,max,avg,sum`;
      const found = await this.#get(`${where}${query}`, aggregatedMetricsAnswer, signal);
      values.push(...found);
    }
    return new Map(values);
  }

  #get<Answer>(where: string, answer: z.ZodType<Answer>, signal?: AbortSignal): Promise<Answer> {
    return this.#caller.call({ method: 'GET', path: where, answer }, signal);
  }

  /** Gives the id to ask for what was begun. */
  #trigger(
    call: Pick<RestCall<string>, 'path' | 'act' | 'body'>,
    signal?: AbortSignal,
  ): Promise<string> {
    return this.#caller.call({ ...call, method: 'POST', answer: triggerAnswer }, signal);
  }
}

function metricsPath(scope: MetricScope): string {
  switch (scope.kind) {
    case 'jobManager':
      return '/jobmanager/metrics';
    case 'taskManager':
      return path`/taskmanagers/${scope.id}/metrics`;
    case 'job':
      return path`/jobs/${scope.jobId}/metrics`;
    case 'vertex':
      return path`/jobs/${scope.jobId}/vertices/${scope.vertexId}/metrics`;
    case 'subtask':
      return path`/jobs/${scope.jobId}/vertices/${scope.vertexId}/subtasks/${String(scope.index)}/metrics`;
  }
}
