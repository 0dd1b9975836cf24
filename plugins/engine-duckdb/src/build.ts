import { join } from 'node:path';
import { isTesseraError } from '@tessera/base';
import type { BuildPlan, LayoutStep } from '@tessera/cube';
import { quoteName } from '@tessera/duckdb';
import type { BuildProgress, BuildRequest, BuiltFile } from '@tessera/plugin';
import { dictionaryTable, extendDictionary } from './dictionary.ts';
import { type Encodings, encodeTexts } from './encoding.ts';
import {
  factCountSql,
  flatSql,
  flatTable,
  innerMask,
  missingColumn,
  segmentColumn,
} from './flat.ts';
import {
  checkUnchanged,
  type FileMarks,
  inputRelation,
  isColumnar,
  landLookup,
  markFiles,
  rejectedRowsOf,
  sourceBytes,
} from './landing.ts';
import { layoutFacts } from './layout-facts.ts';
import { makeLayoutTable, writeLayoutFile } from './layout-file.ts';
import { childrenOf, layoutFromFlat, layoutFromLayout } from './layout-sql.ts';
import { Meter } from './meter.ts';
import { Session, type SessionOptions } from './session.ts';

/** One build: read once into the flat relation, then layout by layout, each from the smallest relation before it. */
export async function* build(
  request: BuildRequest,
  options: Omit<SessionOptions, 'memoryLimitBytes'>,
  signal: AbortSignal,
): AsyncIterable<BuildProgress> {
  const marks = await markFiles(request.inputs);
  // Uncompressed in memory the flat relation is several times its Parquet files.
  const onDisk = sourceBytes(marks) * 4 > request.memoryLimitBytes;
  const { memoryLimitBytes } = request;
  const { timeZone } = request.plan;
  const bounds = { ...options, memoryLimitBytes, onDisk, timeZone };
  await using session = await Session.open(bounds, signal);
  if (request.plan.timeZone !== undefined) await session.set('TimeZone', request.plan.timeZone);
  const meter = new Meter(session, 1 + request.plan.layouts.length);
  const encodings = yield* readSources(session, request, marks, meter, signal);
  yield* countSegments(session, request.plan);
  const inner = innerMask(request.plan);
  if (inner !== 0n) {
    await session.run(
      `DELETE FROM ${flatTable} WHERE (${quoteName(missingColumn)} & ${inner}) <> 0`,
    );
  }
  const dictionaries = new Map<string, string>();
  for (const step of request.plan.dictionaries) {
    const newest = request.dictionaries[step.name];
    yield await extendDictionary(session, step, newest, request.outputDirectory);
    dictionaries.set(step.name, dictionaryTable(step.name));
  }
  yield* buildLayouts(session, request, { encodings, dictionaries }, meter);
}

async function* readSources(
  session: Session,
  request: BuildRequest,
  marks: FileMarks,
  meter: Meter,
  signal: AbortSignal,
): AsyncGenerator<BuildProgress, Encodings> {
  const { plan, inputs } = request;
  session.readingSource = true;
  try {
    for (const input of plan.inputs) {
      const rejectedRows = rejectedRowsOf(inputs[input.alias]!);
      yield { kind: 'source', alias: input.alias, rejectedRows };
    }
    for (const join of plan.joins) {
      const input = plan.inputs.find((candidate) => candidate.alias === join.alias)!;
      await landLookup(session, input, join, inputs[join.alias]!, signal);
    }
    const fact = plan.inputs[0]!;
    const source = inputs[fact.alias]!;
    const relation = await inputRelation(session, 'fact raw', source, fact.columns, signal);
    const columnar = source.kind === 'stream' || isColumnar(source.location);
    const encodings = await encodeTexts(session, plan, { alias: fact.alias, relation, columnar });
    yield* meter.measure('read', fillFlat(session, plan, relation, { encodings, columnar }));
    await checkUnchanged(marks);
    if (source.kind === 'stream') await session.run(`DROP TABLE ${relation}`);
    const [count] = await session.rows(`SELECT count(*) AS row_count FROM ${flatTable}`);
    meter.setRows(count?.['row_count'] as bigint);
    return encodings;
  } catch (error) {
    if (!isTesseraError(error, 'BUILD_CANCELLED')) await checkUnchanged(marks);
    throw error;
  } finally {
    session.readingSource = false;
  }
}

/**
 * Fills the flat relation: with inner joins first, and with left joins when some fact found no partner. Fact rows
 * are only counted where that is cheap.
 */
async function fillFlat(
  session: Session,
  plan: BuildPlan,
  fact: string,
  { encodings, columnar }: { readonly encodings: Encodings; readonly columnar: boolean },
): Promise<void> {
  const fill = (joins: 'left' | 'inner') =>
    session.run(`CREATE TABLE ${flatTable} AS ${flatSql(plan, fact, encodings, joins)}`);
  if (!columnar || plan.joins.length === 0) return fill('left');
  const [wanted] = await session.rows(factCountSql(plan, fact));
  await fill('inner');
  const [found] = await session.rows(`SELECT count(*) AS row_count FROM ${flatTable}`);
  if (found?.['row_count'] === wanted?.['row_count']) return;
  await session.run(`DROP TABLE ${flatTable}`);
  await fill('left');
}

async function* countSegments(session: Session, plan: BuildPlan): AsyncIterable<BuildProgress> {
  const missing = plan.joins.map(
    (_, i) =>
      `count(*) FILTER (WHERE (${quoteName(missingColumn)} & ${2 ** i}) <> 0) AS missing${i}`,
  );
  const rows = await session.rows(
    `SELECT ${[`${quoteName(segmentColumn)} AS segment`, 'count(*) AS row_count', ...missing].join(', ')} FROM ${flatTable} GROUP BY 1`,
  );
  const bySegment = new Map(rows.map((row) => [Number(row['segment']), row]));
  for (const [ordinal, segment] of plan.segments.entries()) {
    const row = bySegment.get(ordinal);
    const unmatched = plan.joins.map(
      (join, i) => [join.alias, (row?.[`missing${i}`] as bigint | undefined) ?? 0n] as const,
    );
    yield {
      kind: 'segment',
      segment: segment.id,
      sourceRows: (row?.['row_count'] as bigint | undefined) ?? 0n,
      unmatchedRows: Object.fromEntries(unmatched),
    };
  }
}

const layoutTable = (step: string) => quoteName(`layout ${step}`);

/** Makes the layouts one after another; the files of each are written while the next is computed. */
async function* buildLayouts(
  session: Session,
  request: BuildRequest,
  made: { readonly encodings: Encodings; readonly dictionaries: ReadonlyMap<string, string> },
  meter: Meter,
): AsyncIterable<BuildProgress> {
  const { plan } = request;
  const types = new Map(plan.flat.map((column) => [column.name, column.type]));
  const waiting = childrenOf(plan);
  let fromFlat = plan.layouts.filter((step) => step.parent === undefined).length;
  await session.keepOrder();
  await using writer = await session.branch();
  let writing: Promise<BuildProgress[]> = Promise.resolve([]);
  try {
    for (const step of plan.layouts) {
      const table = layoutTable(step.layout);
      const select =
        step.parent === undefined
          ? layoutFromFlat(step, flatTable, types, made.dictionaries)
          : layoutFromLayout(step, layoutTable(step.parent));
      yield* meter.measure(step.layout, makeLayoutTable(session, step, table, select));
      if (step.parent === undefined && --fromFlat === 0) {
        await session.run(`DROP TABLE ${flatTable}`);
      }
      yield* await writing;
      writing = writeLayout(writer, step, table, made.encodings, request, meter).then(
        async (events) => {
          if (!waiting.has(step.layout)) await writer.run(`DROP TABLE ${table}`);
          return events;
        },
      );
      writing.catch(() => undefined);
      await dropParent(session, step, waiting);
    }
    yield* await writing;
  } finally {
    await Promise.allSettled([writing]);
  }
}

/** Files that are synced and digested at the same time, while the database writes the next. */
const finishingFiles = 8;

async function writeLayout(
  session: Session,
  step: LayoutStep,
  table: string,
  encodings: Encodings,
  request: BuildRequest,
  meter: Meter,
): Promise<BuildProgress[]> {
  const facts = await layoutFacts(session, step, table, encodings);
  const files: Promise<BuildProgress>[] = [];
  for (const [segmentOrdinal, segment] of request.plan.segments.entries()) {
    const { finished } = await writeLayoutFile(session, {
      step,
      table,
      encodings,
      segmentOrdinal,
      facts: facts.get(segmentOrdinal),
      outputDirectory: request.outputDirectory,
      file: join(segment.id, `${step.layout}.parquet`),
    });
    const event = fileEvent(step, { segment: segment.id, finished }, meter);
    event.catch(() => undefined);
    files.push(event);
    await files.at(-finishingFiles);
  }
  return Promise.all(files);
}

async function fileEvent(
  step: LayoutStep,
  { segment, finished }: { readonly segment: string; readonly finished: Promise<BuiltFile> },
  meter: Meter,
): Promise<BuildProgress> {
  const file = await finished;
  meter.wrote(file.sizeBytes);
  return { kind: 'file', segment, layout: step.layout, file };
}

/** Drops the table of a layout that nothing will be computed from any more; its files are written by then. */
async function dropParent(
  session: Session,
  step: LayoutStep,
  waiting: Map<string, Set<string>>,
): Promise<void> {
  if (step.parent === undefined) return;
  const siblings = waiting.get(step.parent);
  siblings?.delete(step.layout);
  if (siblings?.size === 0) await session.run(`DROP TABLE ${layoutTable(step.parent)}`);
}
