import { isTesseraError } from '@tessera/base';
import type { FlinkProgram, JobStep } from '@tessera/flink';
import type { SqlGatewayClient } from '@tessera/flink-rest';
import { sqlGatewaySilent } from '../errors.ts';
import type { JarSource } from './jar-source.ts';
import type { SeenJobManager } from './job-manager.ts';
import { savepointFolder } from './state-directory.ts';
import { submitSql } from './submit-sql.ts';

export interface JobActor {
  readonly jobManager: SeenJobManager;
  readonly stateDirectory: string;
  readonly jars: JarSource;
  /** Absent: none runs. */
  readonly gateway: SqlGatewayClient | undefined;
  readonly signal: AbortSignal;
}

/** Takes one step of a job. Taken again it does no harm: ids of attempts and of savepoints are in the step. */
export async function takeJobStep(step: JobStep, actor: JobActor): Promise<void> {
  const { jobManager, stateDirectory, signal } = actor;
  const { rest } = jobManager;
  switch (step.kind) {
    case 'submit':
      return await submit(step, actor);
    case 'stopWithSavepoint': {
      const { jobId, triggerId } = step;
      const targetDirectory = savepointFolder(stateDirectory, jobId);
      await rest.stopWithSavepoint(jobId, { triggerId, targetDirectory }, signal);
      return;
    }
    case 'cancel':
      return await rest.cancel(step.jobId, signal);
    case 'rescale':
      return await rescale(step, actor);
  }
}

export type Submit = Extract<JobStep, { kind: 'submit' }>;

async function submit(step: Submit, actor: JobActor): Promise<void> {
  const { gateway, signal } = actor;
  const { program, cluster } = step.spec;
  const submitted = async () => {
    if (program.kind === 'jar') return submitJar(step, program, actor);
    if (gateway === undefined) throw sqlGatewaySilent(cluster);
    return submitSql(step, program.script, gateway, signal);
  };
  await submitted().catch((error: unknown) => {
    if (!isTesseraError(error, 'FLINK_JOB_EXISTS')) throw error;
  });
}

async function submitJar(
  { jobId, spec, from }: Submit,
  program: Extract<FlinkProgram, { kind: 'jar' }>,
  { jobManager, jars, signal }: JobActor,
): Promise<unknown> {
  const { parallelism, configuration, allowNonRestoredState } = spec;
  const jarId = await jars.idOn(jobManager, program.jar, signal);
  const run = {
    ...{ jarId, jobId, parallelism },
    ...(program.entryClass !== undefined && { entryClass: program.entryClass }),
    ...(program.arguments !== undefined && { programArguments: program.arguments }),
    ...(configuration !== undefined && { configuration }),
    ...(from !== undefined && { savepointPath: from.path }),
    ...(allowNonRestoredState !== undefined && { allowNonRestoredState }),
  };
  return jobManager.rest.runJar(run, signal);
}

/** In place: Flink has the job at the new parallelism after its next checkpoint, as far as there are slots. */
async function rescale(
  { jobId, parallelism }: Extract<JobStep, { kind: 'rescale' }>,
  { jobManager: { rest }, signal }: JobActor,
): Promise<void> {
  const before = await rest.resourceRequirements(jobId, signal);
  const bounds = { lowerBound: 1, upperBound: parallelism };
  const all = new Map([...before.keys()].map((vertex) => [vertex, bounds]));
  await rest.setResourceRequirements(jobId, all, signal);
}
