import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { connect, query, wait } from '@tessera/client';
import { traceTo } from '@tessera/daemon';
import { scheduler } from '@tessera/proto';
import { inSpan } from '@tessera/telemetry';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ended, listening, started, tessera } from '../lifecycle/command-line.ts';
import { cube, writeModel, writeSales } from '../lifecycle/sales.ts';
import { type CollectedSpan, type Collector, startCollector } from './collector.ts';

/** Spans are exported in batches, and late on a busy machine. */
const patience = { timeout: 60_000 };

/** A client in this process, the platform in another one. */
let folder: string;
let collector: Collector;
let platform: ChildProcess;
let address: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-trace-'));
  collector = await startCollector();
  const args = ['up', '--data', 'data', '--port', '0', '--memory', '64'];
  platform = started([...args, '--otlp', collector.endpoint], folder);
  address = await listening(platform);
});

afterEach(async () => {
  platform.kill('SIGTERM');
  await ended(platform);
  await collector[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

describe('a traced statement', { timeout: 240_000 }, () => {
  test('is one tree of spans from the client through query, storage and metadata', async () => {
    writeSales(folder);
    writeModel(folder);
    const cli = { cwd: folder, address };
    await tessera(['apply', '-f', 'sales.yaml'], cli);
    await tessera(['build', 'sales', '--from', '2024-02-01'], cli);
    const own = new InMemorySpanExporter();
    const kept = { export: own.export.bind(own), shutdown: async () => {} };
    {
      await using _ = await traceTo(kept, 'client');
      using client = connect(address);
      await inSpan('job', {}, async () => {
        const sql = 'select channel, sum(amount) from sales group by channel order by 1';
        await query(client.queries, sql);
        const unknown = query(client.queries, 'select * from nobody');
        await expect(unknown).rejects.toMatchObject({ reason: 'UNKNOWN_TABLE' });
      });
    }
    const local = own.getFinishedSpans().map(plainSpan);
    const { traceId } = local[0]!;
    const tree = () => [...local, ...collector.spans.filter((span) => span.traceId === traceId)];
    await expect.poll(() => tree().filter(({ name }) => name === 'query')).toHaveLength(2);
    await expect.poll(() => orphansOf(tree())).toEqual([]);
    expect(tree().filter(({ parentSpanId }) => parentSpanId === '')).toMatchObject([
      { name: 'job' },
    ]);
    const execute = 'tessera.query.v1.QueryService/ExecuteQuery';
    expect(pathsOf(tree())).toEqual(
      expect.arrayContaining([
        `job > ${execute} > ${execute} > query > admit`,
        `job > ${execute} > ${execute} > query > plan > parse`,
        `job > ${execute} > ${execute} > query > plan > bind`,
        `job > ${execute} > ${execute} > query > plan > match`,
        `job > ${execute} > ${execute} > query > scan > storage.scan`,
        `job > ${execute} > ${execute} > query > push-down`,
        `job > ${execute} > ${execute} > query > merge`,
        `job > ${execute} > ${execute} > query > residual`,
        `job > ${execute} > ${execute} > query > catalog > tessera.metadata.v1.ModelService/ListModels`,
      ]),
    );
  });
});

test('a build is one tree of spans from the client through scheduler, engine, storage and metadata', {
  timeout: 240_000,
}, async () => {
  writeSales(folder);
  writeModel(folder);
  await tessera(['apply', '-f', 'sales.yaml'], { cwd: folder, address });
  const own = new InMemorySpanExporter();
  const kept = { export: own.export.bind(own), shutdown: async () => {} };
  {
    await using _ = await traceTo(kept, 'client');
    using client = connect(address);
    const build = await inSpan('job', {}, () => client.builds.buildSegments({ cube }));
    await wait(client.operations, build, { response: scheduler.BuildSegmentsResponse });
  }
  const local = own.getFinishedSpans().map(plainSpan);
  const { traceId } = local.find(({ name }) => name === 'job')!;
  const tree = () => [...local, ...collector.spans].filter((span) => span.traceId === traceId);
  const asked = 'tessera.scheduler.v1.BuildService/BuildSegments';
  const work = `job > ${asked} > ${asked} > operation.build`;
  await expect.poll(() => pathsOf(tree()), patience).toContain(work);
  await expect.poll(() => orphansOf(tree()), patience).toEqual([]);
  const storage = 'tessera.storage.v1.StorageService';
  expect(pathsOf(tree())).toEqual(
    expect.arrayContaining([
      `${work} > step.decide`,
      `${work} > step.pass-0 > ${storage}/PrepareIngest`,
      `${work} > step.pass-0 > engine.build`,
      `${work} > step.pass-0 > ${storage}/CommitIngest`,
      `${work} > step.publish-0 > tessera.metadata.v1.SegmentService/PublishSegments`,
    ]),
  );
});

function plainSpan(span: ReadableSpan): CollectedSpan {
  const { traceId, spanId } = span.spanContext();
  return { traceId, spanId, parentSpanId: span.parentSpanContext?.spanId ?? '', name: span.name };
}

function orphansOf(spans: readonly CollectedSpan[]): string[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  return spans
    .filter(({ parentSpanId }) => parentSpanId !== '' && !ids.has(parentSpanId))
    .map(({ name }) => name);
}

/** The names from the root to each span. */
function pathsOf(spans: readonly CollectedSpan[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const path = (span: CollectedSpan): string => {
    const parent = byId.get(span.parentSpanId);
    return parent === undefined ? span.name : `${path(parent)} > ${span.name}`;
  };
  return spans.map(path);
}
