import { InMemorySpanExporter } from '@opentelemetry/sdk-trace';
import { inSpan } from '@tessera/telemetry';
import { expect, test } from 'vitest';
import { jsonLogger } from './logger.ts';
import { traceTo } from './telemetry/start-tracing.ts';

test('a line that is logged inside a trace names it, and others name none', async () => {
  const lines: string[] = [];
  const log = jsonLogger('query', 'info', { write: (line) => void lines.push(line) });
  const exporter = new InMemorySpanExporter();
  const kept = { export: exporter.export.bind(exporter), shutdown: async () => {} };
  {
    await using _ = await traceTo(kept, 'test');
    await inSpan('work', {}, async () => log.child({ part: 'a' }).info({}, 'inside'));
    log.info({}, 'outside');
  }
  const [span] = exporter.getFinishedSpans();
  const { traceId, spanId } = span!.spanContext();
  const [inside, outside] = lines.map((line) => JSON.parse(line));
  expect(inside).toMatchObject({ part: 'a', trace_id: traceId, span_id: spanId });
  expect(outside).not.toHaveProperty('trace_id');
});
