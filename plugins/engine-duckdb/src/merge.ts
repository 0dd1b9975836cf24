import { join } from 'node:path';
import type { BuildProgress, MergeRequest } from '@tessera/plugin';
import { layoutFacts } from './layout-facts.ts';
import { makeLayoutTable, writeLayoutFile } from './layout-file.ts';
import { layoutFromLayout } from './layout-sql.ts';
import { Meter } from './meter.ts';
import { Session, type SessionOptions } from './session.ts';
import { storedRelation } from './stored-relation.ts';

/** Each layout of the merged segment from the same layout of its parts. */
export async function* merge(
  request: MergeRequest,
  options: Omit<SessionOptions, 'memoryLimitBytes'>,
  signal: AbortSignal,
): AsyncIterable<BuildProgress> {
  const bounds = { ...options, memoryLimitBytes: request.memoryLimitBytes };
  await using session = await Session.open(bounds, signal);
  session.readingSource = true;
  await session.keepOrder(true);
  const meter = new Meter(session, request.layouts.length);
  for (const { step, files } of request.layouts) {
    const parts = storedRelation(
      step.columns,
      files.map((file) => ({ segmentOrdinal: 0, file })),
    );
    yield* meter.measure(
      step.layout,
      makeLayoutTable(session, step, 'merged', layoutFromLayout(step, parts)),
    );
    const facts = await layoutFacts(session, step, 'merged', new Map());
    const { finished } = await writeLayoutFile(session, {
      step,
      table: 'merged',
      encodings: new Map(),
      segmentOrdinal: 0,
      facts: facts.get(0),
      outputDirectory: request.outputDirectory,
      file: join(request.segment, `${step.layout}.parquet`),
    });
    const file = await finished;
    meter.wrote(file.sizeBytes);
    yield { kind: 'file', segment: request.segment, layout: step.layout, file };
    await session.run('DROP TABLE merged');
  }
}
