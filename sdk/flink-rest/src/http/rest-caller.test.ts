import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { isTesseraError } from '@tessera/base';
import { expectReason } from '@tessera/testkit/contracts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FlinkRestClient } from '../flink-rest-client.ts';
import { SqlGatewayClient } from '../sql-gateway-client.ts';
import { serveRubbish } from './rubbish-server.ts';

const overview = JSON.stringify({
  'flink-version': '2.3.0',
  ...{ taskmanagers: 1, 'slots-total': 2, 'slots-available': 1 },
  ...{ 'jobs-running': 1, 'jobs-finished': 0, 'jobs-cancelled': 0, 'jobs-failed': 0 },
});
const errors = (...texts: readonly string[]) => JSON.stringify({ errors: texts });
const answering =
  (status: number, body: string): RequestListener =>
  (_, response) =>
    response.writeHead(status).end(body);
const breakingOff: RequestListener = ({ socket }) => socket.destroy();

/** For what is silent. What answers is waited for, however busy the machine. */
const soonMs = 300;
const silences: readonly string[] = ['is silent', 'falls silent'];
const maxAnswerBytes = 10_000;
const patient = ({ url }: { readonly url: string }) =>
  new FlinkRestClient({ url, deadlineMs: 50_000 });

test('an answer of the right shape is handed on', async () => {
  await using server = await serveRubbish(answering(200, overview));
  const client = new FlinkRestClient({ url: `${server.url}/`, deadlineMs: 50_000 });
  expect(await client.clusterOverview()).toMatchObject({ flinkVersion: '2.3.0', freeSlots: 1 });
  expect(server.requests).toEqual(['GET /overview']);
});

describe('what answers otherwise', () => {
  test.each<[what: string, reason: string, listener: RequestListener]>([
    ['is silent', 'FLINK_UNREACHABLE', () => {}],
    ['falls silent', 'FLINK_UNREACHABLE', (_, answer) => answer.writeHead(200).write('{')],
    ['breaks off', 'FLINK_UNREACHABLE', breakingOff],
    [
      'breaks off amid its answer',
      'FLINK_UNREACHABLE',
      ({ socket }, answer) => {
        answer.writeHead(200, { 'content-length': 1_000 }).write('{', () => socket.destroy());
      },
    ],
    ['does not speak HTTP', 'FLINK_UNREACHABLE', ({ socket }) => socket.end('SSH-2.0-x\r\n')],
    ['elects a leader', 'FLINK_UNREACHABLE', answering(503, errors('Service unavailable'))],
    ['is a proxy before nothing', 'FLINK_UNREACHABLE', answering(502, '<html>')],
    ['sends a page', 'FLINK_ANSWER_INVALID', answering(200, '<html>')],
    ['sends nothing', 'FLINK_ANSWER_INVALID', answering(200, '')],
    ['sends half an object', 'FLINK_ANSWER_INVALID', answering(200, overview.slice(0, -9))],
    ['sends another object', 'FLINK_ANSWER_INVALID', answering(200, '{"taskmanagers":[]}')],
    ['sends null', 'FLINK_ANSWER_INVALID', answering(200, 'null')],
    [
      'has a negative number of slots',
      'FLINK_ANSWER_INVALID',
      answering(200, overview.replace('"slots-total":2', '"slots-total":-2')),
    ],
    ['sends too much', 'FLINK_ANSWER_INVALID', answering(200, overview.padEnd(maxAnswerBytes + 1))],
    [
      'sends elsewhere',
      'FLINK_ANSWER_INVALID',
      (_, answer) => answer.writeHead(302, { location: '/overview2' }).end(),
    ],
    ['finds a page missing', 'FLINK_ANSWER_INVALID', answering(404, '<html>')],
    ['finds nothing', 'FLINK_NOT_FOUND', answering(404, errors('Not found.'))],
    ['refuses', 'FLINK_REFUSED', answering(400, errors('Bad request.'))],
    ['fails', 'FLINK_REFUSED', answering(500, errors('Internal server error.', 'Caused by: x'))],
    ['fails without a word', 'FLINK_REFUSED', answering(500, errors())],
  ])('and %s: %s', async (what, reason, listener) => {
    await using server = await serveRubbish(listener);
    const deadlineMs = silences.includes(what) ? soonMs : 50_000;
    const client = new FlinkRestClient({ url: server.url, deadlineMs, maxAnswerBytes });
    await expectReason(client.clusterOverview(), reason);
  });

  test('is not there: FLINK_UNREACHABLE', async () => {
    const server = await serveRubbish(() => {});
    await server[Symbol.asyncDispose]();
    await expectReason(patient(server).clusterOverview(), 'FLINK_UNREACHABLE');
  });

  test('without an end is not read to it', async () => {
    const { promise: isGone, resolve } = Promise.withResolvers<void>();
    await using server = await serveRubbish(async (request, answer) => {
      request.socket.on('close', resolve);
      while (!request.socket.destroyed) {
        if (!answer.write(' '.repeat(1_000))) await Promise.race([once(answer, 'drain'), isGone]);
      }
    });
    const client = new FlinkRestClient({ url: server.url, deadlineMs: 50_000, maxAnswerBytes });
    await expectReason(client.clusterOverview(), 'FLINK_ANSWER_INVALID');
    await isGone;
  });

  test('has a job of that id already: FLINK_JOB_EXISTS', async () => {
    const trace = `<Exception on server side:
org.apache.flink.util.FlinkException: Failed to execute job.
\tat org.apache.flink.Foo.bar(Foo.java:1)
Caused by: org.apache.flink.runtime.rest.util.RestClientException: [Internal server error., <Exception on server side:
org.apache.flink.runtime.client.DuplicateApplicationSubmissionException: Application has already been submitted.
\tat org.apache.flink.Foo.bar(Foo.java:2)
End of exception on server side>]
\tat org.apache.flink.Foo.bar(Foo.java:3)
End of exception on server side>`;
    await using server = await serveRubbish(
      answering(500, errors('Internal server error.', trace)),
    );
    const run = patient(server).runJar({ jarId: 'x.jar', jobId: '0'.repeat(32) });
    await expect(run).rejects.toMatchObject({
      reason: 'FLINK_JOB_EXISTS',
      metadata: {
        failure:
          'org.apache.flink.runtime.client.DuplicateApplicationSubmissionException: Application has already been submitted.',
      },
    });
  });
});

test('a refusal says what was refused and why before where', async () => {
  await using server = await serveRubbish(answering(400, errors('No main class.')));
  const client = patient(server);
  await expect(client.runJar({ jarId: 'x.jar' })).rejects.toMatchObject({
    reason: 'FLINK_REFUSED',
    message: `Flink refuses to run a jar: No main class. (status 400 of POST ${server.url}/jars/x.jar/run)`,
  });
  await expect(client.jobs()).rejects.toMatchObject({
    message: expect.stringMatching(/^Flink refuses to answer: No main class\. /),
  });
});

describe('a connection that breaks', () => {
  test('is made again for what only reads', async () => {
    let calls = 0;
    await using server = await serveRubbish((request, response) => {
      calls += 1;
      if (calls === 1) breakingOff(request, response);
      else response.end(overview);
    });
    expect(await patient(server).clusterOverview()).toMatchObject({ slots: 2 });
  });

  test('twice is enough', async () => {
    await using server = await serveRubbish(breakingOff);
    await expectReason(patient(server).clusterOverview(), 'FLINK_UNREACHABLE');
    expect(server.requests).toHaveLength(2);
  });

  test.each<[string, (client: FlinkRestClient) => Promise<unknown>]>([
    ['runs a jar', (client) => client.runJar({ jarId: 'a.jar' })],
    ['stops a job', (client) => client.stopWithSavepoint('a')],
    ['cancels a job', (client) => client.cancel('a')],
    ['rescales a job', (client) => client.setResourceRequirements('a', new Map())],
  ])('is not made again for what %s', async (_, call) => {
    await using server = await serveRubbish(breakingOff);
    await expectReason(call(patient(server)), 'FLINK_UNREACHABLE');
    expect(server.requests).toHaveLength(1);
  });
});

test('who gives up a call hears what it was given up for', async () => {
  const controller = new AbortController();
  await using server = await serveRubbish(() => controller.abort(new Error('enough')));
  const call = patient(server).clusterOverview(controller.signal);
  await expect(call).rejects.toThrow('enough');
});

test('an id cannot become another path', async () => {
  await using server = await serveRubbish(answering(200, '{}'));
  await patient(server).cancel('../../overview?x=/#y');
  expect(server.requests).toEqual(['PATCH /jobs/..%2F..%2Foverview%3Fx%3D%2F%23y?mode=cancel']);
});

test('many metrics are asked for in lines that Flink takes, and each once', async () => {
  await using server = await serveRubbish(answering(200, '[]'));
  const names = Array.from({ length: 1_000 }, (_, i) => `${i}.Source: a, b.numRecordsIn`);
  const vertex = { kind: 'vertex', jobId: 'a'.repeat(32), vertexId: 'b'.repeat(32) } as const;
  await patient(server).metrics(vertex, names);
  for (const line of server.requests) expect(line.length).toBeLessThan(4_000);
  const asked = server.requests.flatMap((line) => line.split('get=')[1]!.split(','));
  expect(asked.map(decodeURIComponent)).toEqual(names);
});

test('whatever answers, a call gives what it promises or says why not', async () => {
  const reasons = [
    'FLINK_UNREACHABLE',
    'FLINK_ANSWER_INVALID',
    'FLINK_REFUSED',
    'FLINK_NOT_FOUND',
    'FLINK_JOB_EXISTS',
  ];
  let answer = { status: 200, body: '' };
  await using server = await serveRubbish((_, response) => {
    response.writeHead(answer.status).end(answer.body);
  });
  const flink = patient(server);
  const gateway = new SqlGatewayClient({ url: server.url, deadlineMs: 50_000 });
  const vertex = { jobId: 'a', vertexId: 'b' };
  const operation = { session: 'a', operation: 'b' };
  const calls: readonly (() => Promise<unknown>)[] = [
    () => flink.clusterOverview(),
    () => flink.taskManagers(),
    () => flink.taskManager('a'),
    () => flink.jobManagerRun(),
    () => flink.jobManagerEnvironment(),
    () => flink.jobs(),
    () => flink.job('a'),
    () => flink.subtasks(vertex),
    () => flink.exceptions('a'),
    () => flink.endedBy('a'),
    () => flink.checkpoints('a'),
    () => flink.savepoint({ jobId: 'a', triggerId: 'b' }),
    () => flink.resourceRequirements('a'),
    () => flink.jars(),
    () => flink.metricNames({ kind: 'jobManager' }),
    () => flink.metrics({ kind: 'job', jobId: 'a' }, ['x']),
    () => flink.aggregatedMetrics(vertex, ['x']),
    () => gateway.version(),
    () => gateway.status(operation),
    () => gateway.result(operation),
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...calls),
      fc.constantFrom(200, 200, 202, 204, 301, 400, 404, 409, 500, 503),
      fc.oneof(
        fc.json(),
        fc.string(),
        fc.constantFrom('null', '[]', '{}', '[null]', '{"jobs":[{}]}', '{"errors":["x"]}'),
      ),
      async (call, status, body) => {
        answer = { status, body: status === 204 ? '' : body };
        const outcome = await call().then(
          () => undefined,
          (error: unknown) => error,
        );
        if (outcome === undefined) return;
        expect(reasons).toContain(isTesseraError(outcome) ? outcome.reason : outcome);
      },
    ),
    { numRuns: 150 },
  );
});
