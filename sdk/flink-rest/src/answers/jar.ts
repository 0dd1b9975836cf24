import { z } from 'zod';

/** A jar that was uploaded. JobManagers keep jars in a folder of their own; one that is restarted elsewhere has none. */
export interface UploadedJar {
  readonly id: string;
  /** As it was named when it was uploaded. */
  readonly name: string;
  readonly uploadedAtMs: number;
}

export const jarsAnswer: z.ZodType<readonly UploadedJar[]> = z
  .object({
    files: z.array(z.object({ id: z.string(), name: z.string(), uploaded: z.number() })),
  })
  .transform(({ files }) =>
    files.map(({ id, name, uploaded }) => ({ id, name, uploadedAtMs: uploaded })),
  );

/** The id is the last part of the path that Flink has stored the file at. */
export const uploadAnswer: z.ZodType<string> = z
  .object({ filename: z.string(), status: z.literal('success') })
  .transform(({ filename }) => filename.slice(filename.lastIndexOf('/') + 1));

export const runAnswer: z.ZodType<string> = z
  .object({ jobid: z.string() })
  .transform(({ jobid }) => jobid);

export interface RunJar {
  readonly jarId: string;
  /** 32 hexadecimal digits. A JobManager takes one job of an id, however often it is submitted. */
  readonly jobId?: string;
  /** Instead of the one that the jar's manifest names. */
  readonly entryClass?: string;
  readonly programArguments?: readonly string[];
  readonly parallelism?: number;
  /** A checkpoint or savepoint to go on from, as a URI. */
  readonly savepointPath?: string;
  readonly allowNonRestoredState?: boolean;
  /** Keys of Flink for this job alone. */
  readonly configuration?: Readonly<Record<string, string>>;
}

export function runBody(run: RunJar): unknown {
  return {
    jobId: run.jobId,
    entryClass: run.entryClass,
    programArgsList: run.programArguments,
    parallelism: run.parallelism,
    savepointPath: run.savepointPath,
    allowNonRestoredState: run.allowNonRestoredState,
    flinkConfiguration: run.configuration,
  };
}
