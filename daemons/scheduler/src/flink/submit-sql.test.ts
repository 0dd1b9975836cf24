import { Code, TesseraError } from '@tessera/base';
import type { SqlGatewayClient, SqlPage } from '@tessera/flink-rest';
import { expectReason } from '@tessera/testkit/contracts';
import { beforeEach, expect, test } from 'vitest';
import { submitSql } from './submit-sql.ts';
import type { Submit } from './take-job-step.ts';

const jobId = 'a'.repeat(32);
const script = "CREATE TABLE a (x INT) WITH ('connector' = 'b'); INSERT INTO a SELECT 1;";
const step: Submit = {
  kind: 'submit',
  key: 'key',
  jobId,
  from: { kind: 'savepoint', path: 'file:///savepoint', id: 1 },
  spec: {
    cluster: 'c',
    parallelism: 3,
    upgradeMode: 'savepoint',
    state: 'running',
    rollback: true,
    program: { kind: 'sql', script },
    configuration: { 'pipeline.object-reuse': 'true', 'table.dml-sync': 'true' },
  },
};

/** What a gateway was asked for. */
let calls: (readonly unknown[])[];
let broken: { readonly call: string; readonly reason: string } | undefined;
beforeEach(() => {
  calls = [];
  broken = undefined;
});

const page: SqlPage = {
  kind: 'rows',
  columns: [],
  rows: [],
  jobId: undefined,
  nextToken: undefined,
};
const answer =
  <T>(call: string, value: T) =>
  async (...told: readonly unknown[]) => {
    const { reason } = broken ?? {};
    if (broken?.call === call) {
      throw new TesseraError({ code: Code.UNAVAILABLE, reason: reason!, message: 'It fails.' });
    }
    calls.push([call, ...told.filter((one) => !(one instanceof AbortSignal))]);
    return value;
  };
const gateway = {
  version: answer('version', '2.3.0'),
  openSession: answer('openSession', 'session'),
  submit: answer('submit', { session: 'session', operation: 'operation' }),
  result: answer('result', page),
  closeSession: answer('closeSession', undefined),
} as unknown as SqlGatewayClient;

const submitted = (text = script) => submitSql(step, text, gateway, new AbortController().signal);

test('a session has the id of the attempt, its state and its parallelism, whatever else is said, and is closed', async () => {
  await submitted();
  const [, opened] = calls;
  expect(opened?.[1]).toEqual({
    '$internal.pipeline.job-id': jobId,
    'execution.state-recovery.ignore-unclaimed-state': 'false',
    'execution.state-recovery.path': 'file:///savepoint',
    'parallelism.default': '3',
    'pipeline.object-reuse': 'true',
    'rest.retry.max-attempts': '0',
    'table.dml-sync': 'false',
  });
  const statements = calls.filter(([call]) => call === 'submit').map(([, , text]) => text);
  expect(statements).toEqual(script.split('; ').map((text) => text.replace(/;$/, '')));
  expect(calls.at(-1)).toEqual(['closeSession', 'session']);
});

test('nothing is sent for a script of two jobs', async () => {
  await expectReason(submitted(`${script} INSERT INTO a SELECT 2`), 'FLINK_SQL_SEVERAL_JOBS');
  expect(calls).toEqual([]);
});

test('nothing is sent to a gateway that does not run, or does not answer yet', async () => {
  await expectReason(
    submitSql(step, script, undefined, new AbortController().signal),
    'SQL_GATEWAY_SILENT',
  );
  broken = { call: 'version', reason: 'FLINK_UNREACHABLE' };
  await expectReason(submitted(), 'SQL_GATEWAY_SILENT');
  expect(calls).toEqual([]);
});

test('a gateway that opens no session has refused no script', async () => {
  broken = { call: 'openSession', reason: 'FLINK_REFUSED' };
  await expectReason(submitted(), 'FLINK_SESSION_REFUSED');
  broken = { call: 'submit', reason: 'FLINK_REFUSED' };
  await expectReason(submitted(), 'FLINK_STATEMENT_FAILED');
  expect(calls.at(-1)).toEqual(['closeSession', 'session']);
});
