import { Code, seededRandom, systemClock, TesseraError } from '@tessera/base';
import { batchFromRows, type ColumnBatch, rowsOf, type Schema } from '@tessera/columnar';
import type { ScanPlan } from '@tessera/cube';
import { Any, longrunning, metadata, scheduler, storage, query as wire } from '@tessera/proto';
import { createServer, type Server, ServerError, Status } from 'nice-grpc';
import type { CallContext } from 'nice-grpc-common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Connection, connect } from '../connect.ts';
import { encodeStatusDetails, statusDetailsKey, statusOf } from '../errors/status-details.ts';
import { schemaToProto } from '../resources/data-type.ts';
import { type QuerySummary, querySummaryToProto } from '../resources/query.ts';
import {
  recordBatchToProto,
  type ScanWork,
  scanParametersFromProto,
  scanParametersToProto,
  scanPlanFromProto,
  scanPlanToProto,
  scanWorkToProto,
} from '../resources.ts';
import { listAll } from './collections.ts';
import { RemoteCuboidScanner } from './cuboid-scanner.ts';
import { query, queryStream } from './query.ts';
import { wait } from './wait.ts';

const schema: Schema = [
  { name: 'state', type: { kind: 'text' }, nullable: true },
  { name: 'delay', type: { kind: 'numeric', precision: 38, scale: 2 }, nullable: true },
];
const rows = [
  ['TX', 1250n],
  [null, null],
  ['Ä', -1n],
];
const batch: ColumnBatch = batchFromRows(schema, rows);
const summary: QuerySummary = {
  rowCount: 3n,
  coverage: {
    catalogRevision: 42n,
    policyRevision: 3n,
    blocks: [],
    sourceTables: ['files.flights'],
  },
  planKind: 'source',
  timings: { totalMicros: 9n, queueMicros: 1n, planMicros: 2n, executeMicros: 6n },
  rejectedRows: 1n,
  notes: ['a note'],
  daemonWork: [
    {
      daemon: '127.0.0.1:7411',
      attempt: 'hedge',
      outcome: 'abandoned',
      segmentCount: 2,
      rowCount: 3,
      sentBytes: 3,
      wireBytes: 400,
      micros: 5,
    },
  ],
};
const refused = new TesseraError({
  code: Code.INVALID_ARGUMENT,
  reason: 'SQL_SYNTAX',
  message: 'Fehler: „x“ unexpected.',
  metadata: { near: 'x' },
  violations: [{ field: 'sql', description: 'unexpected x', line: 1, column: 8 }],
});

/** What the fake daemons saw. */
const seen: { aborted?: Promise<unknown>; scan?: unknown; cancelled?: string } = {};
let server: Server;
let client: Connection;

beforeAll(async () => {
  server = createServer();
  serve(wire.QueryServiceDefinition, { executeQuery });
  serve(storage.StorageServiceDefinition, { scanCuboid });
  serve(metadata.ModelServiceDefinition, { listModels });
  serve(longrunning.OperationsDefinition, {
    waitOperation,
    cancelOperation: async ({ name }: { name: string }) => {
      seen.cancelled = name;
      return {};
    },
  });
  const port = await server.listen('127.0.0.1:0');
  client = connect(`127.0.0.1:${port}`);
});

afterAll(() => {
  client?.close();
  server?.forceShutdown();
});

/** Serves some methods of a service; the others are not called by these tests. */
function serve(
  definition: { readonly methods: object },
  methods: Readonly<Record<string, unknown>>,
) {
  const uncalled = () => {
    throw new ServerError(Status.UNIMPLEMENTED, 'not called by these tests');
  };
  const others = Object.keys(definition.methods).map((name) => [name, uncalled]);
  server.add(definition as never, { ...Object.fromEntries(others), ...methods } as never);
}

async function* executeQuery(
  request: wire.ExecuteQueryRequest,
  context: CallContext,
): AsyncGenerator<Partial<wire.ExecuteQueryResponse>> {
  if (request.sql === 'bad') {
    context.trailer.set(statusDetailsKey, encodeStatusDetails(refused));
    throw new ServerError(refused.code, refused.message);
  }
  const header = { queryId: 'q1', schema: schemaToProto(schema) };
  if (request.sql === 'small') {
    yield { header, batch: recordBatchToProto(batch), summary: querySummaryToProto(summary) };
    return;
  }
  yield { header };
  if (request.sql === 'endless') {
    const aborted = Promise.withResolvers<unknown>();
    seen.aborted = aborted.promise;
    context.signal.addEventListener('abort', () => aborted.resolve(true));
    while (!context.signal.aborted) yield { batch: recordBatchToProto(batch) };
    return;
  }
  yield { batch: recordBatchToProto(batch) };
  if (request.sql === 'cut') return;
  yield { summary: querySummaryToProto(summary) };
}

const scanWork: ScanWork = {
  source: 'tiles',
  queueMicros: 1,
  scanMicros: 20,
  rowsScanned: 300,
  blocksRead: 4,
  blocksPruned: 5,
  segmentsPruned: 6,
};
const scanResponses: readonly storage.ScanCuboidResponse[] = [
  { batch: recordBatchToProto(batch), work: undefined },
  { batch: recordBatchToProto(batch), work: scanWorkToProto(scanWork) },
];

async function* scanCuboid(
  request: storage.ScanCuboidRequest,
): AsyncGenerator<storage.ScanCuboidResponse> {
  const plan = scanPlanFromProto(request.plan!);
  seen.scan = { plan, parameters: scanParametersFromProto(plan, request.parameters) };
  yield scanResponses[0]!;
  yield scanResponses[1]!;
}

async function listModels(request: metadata.ListModelsRequest) {
  const all = ['a', 'b', 'c', 'd', 'e'];
  const start = Number(request.pageToken || 0);
  const end = start + request.pageSize;
  return {
    models: all.slice(start, end).map((id) => ({ name: `${request.parent}/models/${id}` })),
    nextPageToken: end < all.length ? String(end) : '',
    revision: 7n,
  };
}

let polls = 0;
async function waitOperation({ name }: { name: string }): Promise<longrunning.Operation> {
  polls++;
  const done = polls >= 3;
  const progress = scheduler.BuildProgress.create({ stepsDone: polls, stepsTotal: 3 });
  const result =
    name === 'operations/bad'
      ? ({ $case: 'error', value: statusOf(refused) } as const)
      : ({ $case: 'response', value: packed('BuildSegmentsResponse', built) } as const);
  return {
    name,
    done,
    metadata: packed('BuildProgress', scheduler.BuildProgress.encode(progress).finish()),
    result: done ? result : undefined,
  };
}

const built = scheduler.BuildSegmentsResponse.encode(
  scheduler.BuildSegmentsResponse.create({ sourceRows: 5n }),
).finish();

function packed(name: string, value: Uint8Array): Any {
  return Any.create({ typeUrl: `type.googleapis.com/tessera.scheduler.v1.${name}`, value });
}

describe('connect', () => {
  test.each([
    '10.0.0.1:80',
    'example.com:443',
    '127.0.0.1',
    'http://127.0.0.1:1',
    '127.0.0.1.evil.com:1',
  ])('refuses %s: there is no transport security', (address) => {
    expect(() => connect(address)).toThrow(
      expect.objectContaining({ reason: 'PLAINTEXT_REFUSED' }),
    );
  });

  test('says what to do when nobody is there', async () => {
    using nobody = connect('127.0.0.1:1');
    await expect(nobody.models.listModels({ parent: 'projects/p' })).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      reason: 'DAEMON_UNAVAILABLE',
      message: expect.stringContaining('tessera up'),
    });
  });
});

describe('query', () => {
  test('gives schema, rows and summary as the daemon sent them', async () => {
    const answer = await query(client.queries, 'select 1');
    expect(answer).toEqual({ queryId: 'q1', schema, rows, summary });
  });

  test('reads a small answer that is one message', async () => {
    const answer = await query(client.queries, 'small');
    expect(answer).toEqual({ queryId: 'q1', schema, rows, summary });
  });

  test('throws what the daemon refused with, down to the column', async () => {
    await expect(query(client.queries, 'bad')).rejects.toMatchObject({
      code: refused.code,
      reason: refused.reason,
      message: refused.message,
      metadata: refused.metadata,
      violations: refused.violations,
    });
  });

  test('does not take a stream without its summary for an answer', async () => {
    await expect(query(client.queries, 'cut')).rejects.toMatchObject({
      reason: 'ANSWER_INCOMPLETE',
    });
  });

  test('is cancelled on the daemon when nobody reads on', async () => {
    const stream = await queryStream(client.queries, 'endless');
    for await (const first of stream) {
      expect(rowsOf(first)).toEqual(rows);
      break;
    }
    await expect(seen.aborted).resolves.toBe(true);
    expect(() => stream.summary()).toThrow(
      expect.objectContaining({ reason: 'ANSWER_INCOMPLETE' }),
    );
  });

  test('ends with CANCELLED when its signal is aborted', async () => {
    const controller = new AbortController();
    const reading = async () => {
      const stream = await queryStream(client.queries, 'endless', { signal: controller.signal });
      for await (const _ of stream) controller.abort();
    };
    await expect(reading()).rejects.toMatchObject({ code: Code.CANCELLED, reason: 'CANCELLED' });
    await expect(seen.aborted).resolves.toBe(true);
  });
});

test('a scan sends plan and parameters, and streams the batches', async () => {
  const column = {
    kind: 'column',
    type: { kind: 'bigint' },
    relation: 'layout',
    name: 'n',
  } as const;
  const plan: ScanPlan = {
    cube: 'projects/p/cubes/c',
    layout: 'l1',
    segments: [{ id: 's', fileDigest: 'd' }],
    lookups: [],
    filter: {
      kind: 'call',
      type: { kind: 'boolean' },
      fn: '>',
      args: [column, { kind: 'parameter', type: { kind: 'bigint' }, index: 0 }],
    },
    groupBy: [],
    aggregates: [{ name: 'n', fn: 'count_sum', args: [column], type: { kind: 'bigint' } }],
  };
  const scanner = new RemoteCuboidScanner(client.storage);
  const told: unknown[] = [];
  const options = {
    parameters: [5n],
    signal: new AbortController().signal,
    onWireBytes: (message: unknown) => told.push(message),
    onScanWork: (work: unknown) => told.push(work),
  };
  const batches = await Array.fromAsync(scanner.scan(plan, options));
  expect(batches.flatMap(rowsOf)).toEqual([...rows, ...rows]);
  expect(seen.scan).toEqual({ plan, parameters: [5n] });
  const request = {
    plan: scanPlanToProto(plan),
    parameters: scanParametersToProto(plan, options.parameters),
  };
  const received = scanResponses.map(
    (response) => storage.ScanCuboidResponse.encode(response).finish().length + 5,
  );
  expect(told).toEqual([
    { way: 'sent', bytes: storage.ScanCuboidRequest.encode(request).finish().length + 5 },
    { way: 'received', bytes: received[0] },
    { way: 'received', bytes: received[1] },
    scanWork,
  ]);
});

test('a collection is listed page by page, at one revision', async () => {
  const listed = await listAll(client, 'models', { parent: 'projects/p', pageSize: 2 });
  expect(listed.revision).toBe(7n);
  expect(listed.resources.map(({ name }) => name.at(-1)).join('')).toBe('abcde');
});

describe('wait', () => {
  const clock = { ...systemClock, sleep: async () => {} };
  const response = scheduler.BuildSegmentsResponse;
  const started = (name: string) => longrunning.Operation.create({ name });

  test('reports progress until the operation is done, and gives its response', async () => {
    polls = 0;
    const steps: number[] = [];
    const answer = await wait(client.operations, started('operations/good'), {
      response,
      clock,
      random: seededRandom(1),
      onProgress: ({ stepsDone }) => steps.push(stepsDone),
    });
    expect(answer.sourceRows).toBe(5n);
    expect(steps).toEqual([1, 2, 3]);
  });

  test('throws what the operation failed with', async () => {
    polls = 0;
    await expect(
      wait(client.operations, started('operations/bad'), { response, clock }),
    ).rejects.toMatchObject({ reason: 'SQL_SYNTAX', violations: refused.violations });
  });

  test('cancels the operation with its signal when asked to', async () => {
    polls = -1_000_000;
    const controller = new AbortController();
    const waiting = wait(client.operations, started('operations/long'), {
      response,
      clock,
      signal: controller.signal,
      cancelWithSignal: true,
      onProgress: () => controller.abort(),
    });
    await expect(waiting).rejects.toMatchObject({ reason: 'CANCELLED' });
    expect(seen.cancelled).toBe('operations/long'); // Already: the connection may be closed now.
  });
});
