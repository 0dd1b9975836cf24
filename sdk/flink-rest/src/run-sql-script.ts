import { setTimeout as sleep } from 'node:timers/promises';
import { isTesseraError } from '@tessera/base';
import type { SqlOperation, SqlPage } from './answers/sql.ts';
import { flinkStatementFailed } from './errors.ts';
import type { SqlGatewayClient } from './sql-gateway-client.ts';
import { sqlStatements } from './sql-statements.ts';

const pollMs = 100;

export interface SqlScript {
  readonly script: string;
  /** Keys of Flink that all statements have. */
  readonly configuration?: Readonly<Record<string, string>>;
}

/**
 * Runs the statements of a script one after the other in a session of their own; gives the ids of the jobs that they have submitted, in order. A statement that submits a job is done when the job was submitted.
 * How long it may take is the signal's to say.
 * @throws TesseraError FLINK_STATEMENT_FAILED of the first statement that fails, and those after it are not run; FLINK_JOB_EXISTS; what the calls throw
 */
export async function runSqlScript(
  gateway: SqlGatewayClient,
  { script, configuration }: SqlScript,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const session = await gateway.openSession(configuration, signal);
  try {
    const jobs: string[] = [];
    for (const statement of sqlStatements(script)) {
      const jobId = await runStatement(gateway, session, statement, signal);
      if (jobId !== undefined) jobs.push(jobId);
    }
    return jobs;
  } finally {
    await gateway.closeSession(session).catch(() => {}); // The gateway ends it when it is idle.
  }
}

async function runStatement(
  gateway: SqlGatewayClient,
  session: string,
  statement: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const operation = await gateway.submit(session, statement, signal);
  try {
    const page = await firstPage(gateway, operation, signal);
    return page.jobId;
  } catch (error) {
    if (!isTesseraError(error, 'FLINK_REFUSED')) throw error;
    throw flinkStatementFailed(statement, error.metadata['failure'] ?? error.message);
  }
}

async function firstPage(
  gateway: SqlGatewayClient,
  operation: SqlOperation,
  signal: AbortSignal,
): Promise<Extract<SqlPage, { readonly kind: 'rows' }>> {
  for (;;) {
    const page = await gateway.result(operation, 0, signal);
    if (page.kind === 'rows') return page;
    await sleep(pollMs, undefined, { signal });
  }
}
