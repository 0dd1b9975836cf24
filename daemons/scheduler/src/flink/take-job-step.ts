import { isTesseraError } from '@tessera/base';
import type { FlinkProgram, JobStep } from '@tessera/flink';
import type { SqlGatewayClient } from '@tessera/flink-rest';
import type { JarSource } from './jar-source.ts';
import { configurationOf } from './job-configuration.ts';
import type { SeenJobManager } from './job-manager.ts';
import { requestedSavepointFolder, savepointFolder } from './state-directory.ts';
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
      // The canonical format is refused by state that has its own way to be written, such as that of asynchronous operators.
      const savepoint = { triggerId, targetDirectory, format: 'NATIVE' } as const;
      await rest.stopWithSavepoint(jobId, savepoint, signal);
      return;
    }
    case 'savepoint': {
      const { jobId, triggerId } = step;
      const targetDirectory = requestedSavepointFolder(stateDirectory, jobId);
      const savepoint = { triggerId, targetDirectory, format: 'NATIVE' } as const;
      await rest.triggerSavepoint(jobId, savepoint, signal);
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
  const { program } = step.spec;
  const submitted: Promise<unknown> =
    program.kind === 'jar'
      ? submitJar(step, program, actor)
      : submitSql(step, program.script, gateway, signal);
  await submitted.catch((error: unknown) => {
    if (!isTesseraError(error, 'FLINK_JOB_EXISTS')) throw error;
  });
}

async function submitJar(
  step: Submit,
  program: Extract<FlinkProgram, { kind: 'jar' }>,
  { jobManager, jars, signal }: JobActor,
): Promise<unknown> {
  const { jobId, spec, from } = step;
  const { parallelism, allowNonRestoredState } = spec;
  const configuration = configurationOf(step);
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

/**
 * In place: Flink has the job at the new parallelism after its next checkpoint, as far as there are slots. That is begun at once where
 * it can be, and again with each look until the job has it: one that is complete while Flink rests after a rescale changes nothing.
 */
async function rescale(
  { jobId, parallelism, size }: Extract<JobStep, { kind: 'rescale' }>,
  { jobManager: { rest }, signal }: JobActor,
): Promise<void> {
  const before = await rest.resourceRequirements(jobId, signal);
  const all = [...before].map(([vertex, bounds]) => {
    const wanted = size === undefined ? parallelism : size.parallelism[vertex];
    return [vertex, { lowerBound: 1, upperBound: wanted ?? bounds.upperBound }] as const;
  });
  const isAsked = all.every(([vertex, { lowerBound, upperBound }]) => {
    const asked = before.get(vertex);
    return asked?.lowerBound === lowerBound && asked.upperBound === upperBound;
  });
  if (!isAsked) await rest.setResourceRequirements(jobId, new Map(all), signal);
  await rest.triggerCheckpoint(jobId, {}, signal).catch((error: unknown) => {
    if (!isTesseraError(error)) throw error; // The next one comes by itself.
  });
}
