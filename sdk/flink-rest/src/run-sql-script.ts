import { setTimeout as sleep } from 'node:timers/promises';
import { isTesseraError } from '@tessera/base';
import type { SqlStatement } from '@tessera/flink';
import type { SqlOperation, SqlPage } from './answers/sql.ts';
import { flinkSessionRefused, flinkStatementFailed } from './errors.ts';
import type { SqlGatewayClient } from './sql-gateway-client.ts';
import { withScriptPositions } from './sql-positions.ts';

const pollMs = 100;

export interface SqlScript {
  readonly statements: readonly SqlStatement[];
  /** Keys of Flink that all statements have. */
  readonly configuration?: Readonly<Record<string, string>>;
}

/**
 * Runs the statements of a script one after the other in a session of their own; gives the ids of the jobs that they have submitted, in order. A statement that submits a job is done when the job was submitted.
 * How long it may take is the signal's to say.
 * @throws TesseraError FLINK_STATEMENT_FAILED of the first statement that fails, and those after it are not run; FLINK_SESSION_REFUSED; FLINK_JOB_EXISTS; what the calls throw
 */
export async function runSqlScript(
  gateway: SqlGatewayClient,
  { statements, configuration }: SqlScript,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const session = await openSession(gateway, configuration, signal);
  try {
    const jobs: string[] = [];
    for (const statement of statements) {
      const jobId = await runStatement(gateway, session, statement, signal);
      if (jobId !== undefined) jobs.push(jobId);
    }
    return jobs;
  } finally {
    await gateway.closeSession(session).catch(() => {}); // The gateway ends it when it is idle.
  }
}

/** Whatever keeps a gateway from it, no statement is wrong. */
async function openSession(
  gateway: SqlGatewayClient,
  configuration: SqlScript['configuration'],
  signal: AbortSignal,
): Promise<string> {
  try {
    return await gateway.openSession(configuration, signal);
  } catch (error) {
    if (!isTesseraError(error, 'FLINK_REFUSED')) throw error;
    throw flinkSessionRefused(error.metadata['failure'] ?? error.message);
  }
}

async function runStatement(
  gateway: SqlGatewayClient,
  session: string,
  statement: SqlStatement,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const operation = await gateway.submit(session, statement.text, signal);
    const page = await firstPage(gateway, operation, signal);
    return page.jobId;
  } catch (error) {
    if (!isTesseraError(error, 'FLINK_REFUSED')) throw error;
    const failure = error.metadata['failure'] ?? error.message;
    throw flinkStatementFailed(statement.text, withScriptPositions(failure, statement));
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
