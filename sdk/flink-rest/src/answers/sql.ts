import { z } from 'zod';

const operationStatuses = [
  'INITIALIZED',
  'PENDING',
  'RUNNING',
  'FINISHED',
  'CANCELED',
  'CLOSED',
  'ERROR',
  'TIMEOUT',
] as const;

export type OperationStatus = (typeof operationStatuses)[number];

/** A statement that a session runs. */
export interface SqlOperation {
  readonly session: string;
  readonly operation: string;
}

/** One page of what a statement gives. */
export type SqlPage =
  | { readonly kind: 'notReady' }
  | {
      readonly kind: 'rows';
      readonly columns: readonly string[];
      readonly rows: readonly (readonly unknown[])[];
      /** Of the job that the statement has submitted. */
      readonly jobId: string | undefined;
      /** Of the page to ask for next; absent: this was the last one. */
      readonly nextToken: number | undefined;
    };

export const infoAnswer: z.ZodType<string> = z
  .object({ productName: z.literal('Apache Flink'), version: z.string() })
  .transform(({ version }) => version);

export const sessionAnswer: z.ZodType<string> = z
  .object({ sessionHandle: z.string() })
  .transform(({ sessionHandle }) => sessionHandle);

export const operationAnswer: z.ZodType<string> = z
  .object({ operationHandle: z.string() })
  .transform(({ operationHandle }) => operationHandle);

export const statusAnswer: z.ZodType<OperationStatus> = z
  .object({ status: z.enum(operationStatuses) })
  .transform(({ status }) => status);

const rowsAnswer = z.object({
  resultType: z.enum(['PAYLOAD', 'EOS']),
  jobID: z.string().nullish(),
  nextResultUri: z.string().nullish(),
  results: z.object({
    columns: z.array(z.object({ name: z.string() })),
    data: z.array(z.object({ fields: z.array(z.unknown()) })),
  }),
});

export const pageAnswer: z.ZodType<SqlPage> = z
  .union([rowsAnswer, z.object({ resultType: z.literal('NOT_READY') })])
  .transform((answer): SqlPage => {
    if (answer.resultType === 'NOT_READY') return { kind: 'notReady' };
    return {
      kind: 'rows',
      columns: answer.results.columns.map(({ name }) => name),
      rows: answer.results.data.map(({ fields }) => fields),
      jobId: answer.jobID ?? undefined,
      nextToken: answer.resultType === 'EOS' ? undefined : tokenOf(answer.nextResultUri),
    };
  });

/** `/v3/sessions/…/operations/…/result/1?rowFormat=JSON` */
function tokenOf(uri: string | null | undefined): number | undefined {
  const token = /\/result\/(\d+)/.exec(uri ?? '')?.[1];
  return token === undefined ? undefined : Number(token);
}
