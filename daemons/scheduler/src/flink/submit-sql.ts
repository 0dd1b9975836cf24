import { runSqlScript, type SqlGatewayClient } from '@tessera/flink-rest';
import type { Submit } from './take-job-step.ts';

/** Submits a script of SQL: what a jar is told with the request, a script is told by the configuration of its session. */
export async function submitSql(
  { jobId, spec, from }: Submit,
  script: string,
  gateway: SqlGatewayClient,
  signal: AbortSignal,
): Promise<void> {
  const { parallelism, configuration = {}, allowNonRestoredState = false } = spec;
  const own = {
    ...configuration,
    'parallelism.default': String(parallelism),
    '$internal.pipeline.job-id': jobId,
    ...(from !== undefined && {
      'execution.state-recovery.path': from.path,
      'execution.state-recovery.ignore-unclaimed-state': String(allowNonRestoredState),
    }),
  };
  await runSqlScript(gateway, { script, configuration: own }, signal);
}
