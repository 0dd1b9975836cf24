import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Code, TesseraError } from '@tessera/base';
import { querySummaryToProto, recordBatchToProto, schemaToProto } from '@tessera/client';
import { batchFromRows, type Schema } from '@tessera/columnar';
import { type RunningServer, serve, silentLogger, startServer } from '@tessera/daemon';
import { query as wire } from '@tessera/proto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/**
 * The example clients in other languages: generated from the same protos, they read rows of every type, the coverage,
 * and errors. They are run against a query service of a few fixed answers, so that every type is among them.
 */
const columns: readonly (readonly [Schema[number]['type'], unknown])[] = [
  [{ kind: 'text' }, 'Zürich 😀'],
  [{ kind: 'bigint' }, 9_007_199_254_740_993n],
  [{ kind: 'numeric', precision: 20, scale: 2 }, -1250n],
  [{ kind: 'double' }, 0.5],
  [{ kind: 'boolean' }, true],
  [{ kind: 'date' }, 11_323],
  [{ kind: 'timestamp' }, 978_307_200_000_001n],
  [{ kind: 'smallint' }, -7],
];
const schema: Schema = columns.map(([type]) => ({ name: type.kind, type, nullable: true }));
const rows = [columns.map(([, value]) => value), columns.map(() => null)];

const languages = [
  {
    language: 'Python',
    folder: 'client-python',
    needs: ['python3', '--version'],
    row: 'Zürich 😀\t9007199254740993\t-12.50\t0.5\tTrue\t2001-01-01\t2001-01-01 00:00:00.000001\t-7',
  },
  {
    language: 'Go',
    folder: 'client-go',
    needs: ['go', 'version'],
    row: 'Zürich 😀\t9007199254740993\t-12.50\t0.5\ttrue\t2001-01-01\t2001-01-01T00:00:00.000001\t-7',
  },
] as const;

let server: RunningServer;

beforeAll(async () => {
  const { definition, implementation } = queryService();
  server = await startServer({
    address: '127.0.0.1:0',
    services: [serve(definition, implementation)],
    log: silentLogger,
  });
});

afterAll(() => server?.[Symbol.asyncDispose]());

describe.each(languages)('the $language client', ({ folder, needs, row }) => {
  let unusable: string | undefined;
  beforeAll(async () => {
    const [command, ...args] = needs;
    const found = await run(command, args);
    const ready = found.code === 0 ? await run(example(folder, 'setup.sh'), []) : found;
    if (ready.code !== 0) unusable = `${command}: ${ready.stderr.trim().split('\n').at(-1)}`;
    if (unusable && process.env['CI']) throw new Error(`In CI a skip is a failure. ${unusable}`);
  }, 600_000);

  test('prints rows of every type and what they rest on', async ({ skip }) => {
    skip(unusable !== undefined, unusable);
    const { stdout, stderr, code } = await run(example(folder, 'query'), [server.address, 'good']);
    expect(stderr).toBe('');
    expect(stdout.trimEnd().split('\n')).toEqual([
      schema.map(({ name }) => name).join('\t'),
      row,
      schema.map(() => 'NULL').join('\t'),
      '-- 2 rows from mixed in 1.5 ms',
      '-- projects/p/cubes/flights: 1 layouts, 2 segments, 1 ranges from the source, 3 rows rejected',
      '-- files.airports: read from its source',
    ]);
    expect(code).toBe(0);
  });

  test('ends with the message, its reason and the place of the fault', async ({ skip }) => {
    skip(unusable !== undefined, unusable);
    const { stdout, stderr, code } = await run(example(folder, 'query'), [server.address, 'bad']);
    expect({ stdout, stderr: stderr.trim(), code }).toEqual({
      stdout: '',
      stderr: 'No column stat. [COLUMN_UNKNOWN]\n  sql: Did you mean „state“?',
      code: 1,
    });
  });

  test('does not take a stream without its summary for an answer', async ({ skip }) => {
    skip(unusable !== undefined, unusable);
    const { stderr, code } = await run(example(folder, 'query'), [server.address, 'cut']);
    expect(stderr).toContain('not whole');
    expect(code).toBe(1);
  });
});

/** A query service that knows three statements. */
function queryService() {
  async function* executeQuery({ sql }: wire.ExecuteQueryRequest) {
    if (sql === 'bad') {
      throw new TesseraError({
        code: Code.INVALID_ARGUMENT,
        reason: 'COLUMN_UNKNOWN',
        message: 'No column stat.',
        violations: [{ field: 'sql', description: 'Did you mean „state“?', line: 1, column: 8 }],
      });
    }
    yield { header: { queryId: 'q', schema: schemaToProto(schema) } };
    yield { batch: recordBatchToProto(batchFromRows(schema, rows as never)) };
    if (sql === 'cut') return;
    yield {
      summary: querySummaryToProto({
        rowCount: 2n,
        planKind: 'mixed',
        rejectedRows: 3n,
        notes: [],
        daemonWork: [],
        timings: { totalMicros: 1_500n, queueMicros: 0n, planMicros: 0n, executeMicros: 0n },
        coverage: {
          catalogRevision: 5n,
          policyRevision: 0n,
          sourceTables: ['files.airports'],
          blocks: [
            {
              model: 'projects/p/models/flights',
              modelRevision: 4n,
              cube: 'projects/p/cubes/flights',
              layouts: ['l1'],
              segments: ['s1', 's2'],
              prunedSegments: [],
              snapshots: [],
              pushedDown: [{ kind: 'null' }],
              rejectedRows: 3n,
            },
          ],
        },
      }),
    };
  }
  const uncalled = () => {
    throw new Error('not called by these tests');
  };
  const { methods } = wire.QueryServiceDefinition;
  const others = Object.fromEntries(Object.keys(methods).map((name) => [name, uncalled]));
  return serve(wire.QueryServiceDefinition, { ...others, executeQuery } as never);
}

function example(folder: string, file: string): string {
  return fileURLToPath(new URL(`../../examples/${folder}/${file}`, import.meta.url));
}

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', ({ message }) => resolve({ code: null, stdout, stderr: message }));
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
