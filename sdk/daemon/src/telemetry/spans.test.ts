import { SpanStatusCode } from '@opentelemetry/api';
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { Code, TesseraError } from '@tessera/base';
import {
  activeTrace,
  inSpan,
  inSpanStream,
  servedRequest,
  type TraceHeaders,
  tracedRequest,
} from '@tessera/telemetry';
import { describe, expect, test } from 'vitest';
import { startTracing, traceTo } from './start-tracing.ts';

describe('work inside a span', () => {
  test('gives what it gives, and is in no span when nobody traces', async () => {
    expect(inSpan('work', {}, () => 1)).toBe(1);
    expect(inSpan('work', {}, activeTrace)).toBeUndefined();
    expect(await Array.fromAsync(inSpanStream('work', {}, numbers))).toEqual([1, 2, 3]);
  });

  test('is the parent of what it calls, over promises and streams', async () => {
    const spans = await traced(() =>
      inSpan('outer', {}, async () => {
        await Promise.resolve();
        await Array.fromAsync(inSpanStream('stream', {}, numbers));
      }),
    );
    expect(parentsOf(spans)).toEqual({ number: 'stream', stream: 'outer', outer: '' });
  });

  test('tells the reason of its failure, whether thrown or rejected', async () => {
    const failure = new TesseraError({ code: Code.NOT_FOUND, reason: 'GONE', message: 'It is.' });
    const spans = await traced(async () => {
      await expect(inSpan('work', {}, () => Promise.reject(failure))).rejects.toBe(failure);
      const fail = () => {
        throw failure;
      };
      expect(() => inSpan('work', {}, fail)).toThrow(failure);
    });
    expect(spans).toHaveLength(2);
    for (const { attributes, status } of spans) {
      expect(attributes['error.type']).toBe('GONE');
      expect(status.code).toBe(SpanStatusCode.ERROR);
    }
  });

  test('goes on in another process with what is handed on with a request', async () => {
    const serve = (headers: TraceHeaders) => servedRequest('/a.B/Serve', headers, numbers);
    const ask = () => Array.fromAsync(tracedRequest('/a.B/Ask', serve));
    const spans = await traced(() => inSpan('outer', {}, ask));
    expect(parentsOf(spans)).toEqual({
      number: 'a.B/Serve',
      'a.B/Serve': 'a.B/Ask',
      'a.B/Ask': 'outer',
      outer: '',
    });
    expect(await ask()).toEqual([1, 2, 3]); // When nobody traces.
  });

  test('ends when its stream is given up, and so does the stream', async () => {
    let closed = false;
    async function* endless() {
      try {
        for (;;) yield 1;
      } finally {
        closed = true;
      }
    }
    const spans = await traced(async () => {
      for await (const _ of inSpanStream('stream', {}, endless)) break;
    });
    expect(closed).toBe(true);
    expect(parentsOf(spans)).toEqual({ stream: '' });
  });
});

describe('tracing', () => {
  test.each(['http://collector.example:4317', 'ftp://127.0.0.1', 'nothing'])(
    'is refused to %s: spans do not leave the host in the clear',
    async (endpoint) => {
      await expect(startTracing({ service: 'test', endpoint })).rejects.toMatchObject({
        reason: 'TELEMETRY_ADDRESS_REFUSED',
      });
    },
  );

  test('is started once in a process', async () => {
    await using _ = await traceTo(new InMemorySpanExporter(), 'one');
    await expect(traceTo(new InMemorySpanExporter(), 'two')).rejects.toMatchObject({
      reason: 'TRACING_STARTED',
    });
  });
});

async function* numbers(): AsyncGenerator<number> {
  yield inSpan('number', {}, () => 1);
  yield* [2, 3];
}

/** The spans of `work`. */
async function traced(work: () => unknown): Promise<ReadableSpan[]> {
  const exporter = new InMemorySpanExporter();
  const kept = { export: exporter.export.bind(exporter), shutdown: async () => {} };
  {
    await using _ = await traceTo(kept, 'test');
    await work();
  }
  return exporter.getFinishedSpans();
}

function parentsOf(spans: readonly ReadableSpan[]): Record<string, string> {
  const names = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
  return Object.fromEntries(
    spans.map((span) => [span.name, names.get(span.parentSpanContext?.spanId ?? '') ?? '']),
  );
}
