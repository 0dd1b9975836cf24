import { isTesseraError } from '@tessera/base';
import { jobScript } from '@tessera/flink';
import { runSqlScript, type SqlGatewayClient } from '@tessera/flink-rest';
import { sqlGatewaySilent } from '../errors.ts';
import { configurationOf } from './job-configuration.ts';
import type { Submit } from './take-job-step.ts';

/**
 * Submits a script of SQL: what a jar is told with the request, a script is told by the configuration of its session.
 * @throws SQL_GATEWAY_SILENT when nothing was sent; what the script is refused for, before anything is sent; what `runSqlScript` throws
 */
export async function submitSql(
  step: Submit,
  script: string,
  gateway: SqlGatewayClient | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { jobId, spec, from } = step;
  const statements = jobScript(script);
  if (gateway === undefined || !(await answers(gateway, signal))) {
    throw sqlGatewaySilent(spec.cluster);
  }
  const { parallelism, allowNonRestoredState = false } = spec;
  const own = {
    ...configurationOf(step),
    ...ofSubmission,
    'parallelism.default': String(parallelism),
    '$internal.pipeline.job-id': jobId,
    ...(from !== undefined && {
      'execution.state-recovery.path': from.path,
      'execution.state-recovery.ignore-unclaimed-state': String(allowNonRestoredState),
    }),
  };
  await runSqlScript(gateway, { statements, configuration: own }, signal);
}

const ofSubmission = {
  // A gateway that went on trying could hand over an attempt to the next JobManager, where another one runs already.
  'rest.retry.max-attempts': '0',
  // An INSERT is done when its job was submitted, not when that has ended.
  'table.dml-sync': 'false',
};

/** It takes seconds to start. */
async function answers(gateway: SqlGatewayClient, signal: AbortSignal): Promise<boolean> {
  try {
    await gateway.version(signal);
    return true;
  } catch (error) {
    if (isTesseraError(error, 'FLINK_UNREACHABLE')) return false;
    throw error;
  }
}
