import { join } from 'node:path';
import { isTesseraError } from '@tessera/base';
import type { BuildPlan, LayoutStep } from '@tessera/cube';
import { quoteName } from '@tessera/duckdb';
import type { BuildProgress, BuildRequest, BuiltFile } from '@tessera/plugin';
import { dictionaryTable, extendDictionary } from './dictionary.ts';
import { type Encodings, encodeTexts } from './encoding.ts';
import { flatSql, flatTable, innerMask, missingColumn, segmentColumn } from './flat.ts';
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
import { storedRelation } from './stored-relation.ts';
import { countFactRows, divideIntoTurns, type Turns } from './turns.ts';

/**
 * One build: segments in turns, each read into the flat relation, if anything is read at all, then layout by layout from
 * the smallest relation before it.
 */
export async function* build(
  request: BuildRequest,
  options: Omit<SessionOptions, 'memoryLimitBytes'>,
  signal: AbortSignal,
): AsyncIterable<BuildProgress> {
  const marks = await markFiles(request.inputs);
  const { plan, memoryLimitBytes } = request;
  await using session = await Session.open(
    { ...options, memoryLimitBytes, timeZone: plan.timeZone },
    signal,
  );
  if (plan.timeZone !== undefined) await session.set('TimeZone', plan.timeZone);
  if (plan.inputs.length === 0) {
    yield* buildLayouts(session, request, nothingRead, new Meter(session, plan.layouts.length));
    return;
  }
  for (const { alias } of plan.inputs) {
    yield { kind: 'source', alias, rejectedRows: rejectedRowsOf(request.inputs[alias]!) };
  }
  const source = await whileReading(session, marks, () => openSource(session, request, signal));
  const { turns, inFile } = await whileReading(session, marks, () =>
    turnsOf(session, request, source, marks),
  );
  if (inFile) await session.keepTablesInFile();
  const meter = new Meter(session, turns.length * (1 + plan.layouts.length));
  const rows = turns.reduce((sum, { factRows }) => sum + (factRows ?? 0n), 0n);
  if (rows > 0n) meter.setRows(rows / BigInt(turns.length));
  for (const turn of turns) {
    yield* buildTurn(session, { ...request, plan: { ...plan, segments: turn.segments } }, meter, {
      ...source,
      marks,
      factRows: turn.factRows,
      isLast: turn === turns.at(-1),
    });
  }
}

/** What layouts are computed with besides their relation. */
interface MadeBefore {
  readonly encodings: Encodings;
  /** Tables of the dictionaries, by name. */
  readonly dictionaries: ReadonlyMap<string, string>;
}

const nothingRead: MadeBefore = { encodings: new Map(), dictionaries: new Map() };

/** What is known of the inputs before the fact is read. */
interface OpenedSource {
  /** Table or query with the fact's columns. */
  readonly fact: string;
  /** Whether reading some columns, or some rows, of the fact is cheap. */
  readonly columnar: boolean;
  readonly encodings: Encodings;
}

/** The files are what they were when the work ends; when it fails because they are not, that is what it fails with. */
async function whileReading<T>(
  session: Session,
  marks: FileMarks,
  work: () => Promise<T>,
): Promise<T> {
  session.readingSource = true;
  try {
    const result = await work();
    await checkUnchanged(marks);
    return result;
  } catch (error) {
    if (!isTesseraError(error, 'BUILD_CANCELLED')) await checkUnchanged(marks);
    throw error;
  } finally {
    session.readingSource = false;
  }
}

async function openSource(
  session: Session,
  { plan, inputs }: BuildRequest,
  signal: AbortSignal,
): Promise<OpenedSource> {
  for (const join of plan.joins) {
    const input = plan.inputs.find((candidate) => candidate.alias === join.alias)!;
    await landLookup(session, input, join, inputs[join.alias]!, signal);
  }
  const { alias, columns } = plan.inputs[0]!;
  const source = inputs[alias]!;
  const fact = await inputRelation(session, factTable, source, columns, signal);
  const columnar = source.kind === 'stream' || isColumnar(source.location);
  return {
    fact,
    columnar,
    encodings: await encodeTexts(session, plan, { alias, relation: fact, columnar }),
  };
}

/** Where a fact is landed that comes as a stream. */
const factTable = 'fact raw';

/** A fact that is costly to read is read once: into a file when its bytes, uncompressed, are more than memory holds. */
async function turnsOf(
  session: Session,
  { plan, memoryLimitBytes }: BuildRequest,
  { fact, columnar, encodings }: OpenedSource,
  marks: FileMarks,
): Promise<Turns> {
  if (columnar) {
    const factRows = await countFactRows(session, plan, fact);
    return divideIntoTurns(plan, factRows, encodings, memoryLimitBytes);
  }
  const inFile = sourceBytes(marks) * 4 > memoryLimitBytes;
  return { turns: [{ segments: plan.segments }], inFile };
}

interface TurnSource extends OpenedSource {
  readonly marks: FileMarks;
  readonly factRows: bigint | undefined;
  readonly isLast: boolean;
}

/** Everything of the segments of one turn. */
async function* buildTurn(
  session: Session,
  request: BuildRequest,
  meter: Meter,
  source: TurnSource,
): AsyncIterable<BuildProgress> {
  const { plan } = request;
  await session.keepOrder(false);
  const reading = whileReading(session, source.marks, () => fillFlat(session, plan, source));
  yield* meter.measure('read', reading);
  if (source.isLast && source.fact === quoteName(factTable)) {
    await session.run(`DROP TABLE ${source.fact}`);
  }
  const flatRows = yield* countSegments(session, plan);
  if (source.factRows === undefined) meter.setRows(flatRows);
  const inner = innerMask(plan);
  if (inner !== 0n) {
    await session.run(
      `DELETE FROM ${flatTable} WHERE (${quoteName(missingColumn)} & ${inner}) <> 0`,
    );
  }
  const dictionaries = new Map<string, string>();
  for (const step of plan.dictionaries) {
    const newest = request.dictionaries[step.name];
    yield await extendDictionary(session, step, newest, request.outputDirectory);
    dictionaries.set(step.name, dictionaryTable(step.name));
  }
  yield* buildLayouts(session, request, { encodings: source.encodings, dictionaries }, meter);
}

/**
 * Fills the flat relation: with inner joins first, and with left joins when some fact found no partner, which shows
 * where the rows of the fact have been counted.
 */
async function fillFlat(
  session: Session,
  plan: BuildPlan,
  { fact, encodings, factRows }: TurnSource,
): Promise<void> {
  const fill = (joins: 'left' | 'inner') =>
    session.run(`CREATE TABLE ${flatTable} AS ${flatSql(plan, fact, encodings, joins)}`);
  if (factRows === undefined || plan.joins.length === 0) return fill('left');
  await fill('inner');
  const [found] = await session.rows(`SELECT count(*) AS row_count FROM ${flatTable}`);
  if (found?.['row_count'] === factRows) return;
  await session.run(`DROP TABLE ${flatTable}`);
  await fill('left');
}

/** What was read of each segment; gives the rows of the flat relation. */
async function* countSegments(
  session: Session,
  plan: BuildPlan,
): AsyncGenerator<BuildProgress, bigint> {
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
  return rows.reduce((sum, row) => sum + (row['row_count'] as bigint), 0n);
}

const layoutTable = (step: string) => quoteName(`layout ${step}`);

/** Makes the layouts one after another; the files of each are written while the next is computed. */
async function* buildLayouts(
  session: Session,
  request: BuildRequest,
  made: MadeBefore,
  meter: Meter,
): AsyncIterable<BuildProgress> {
  const { plan } = request;
  const types = new Map(plan.flat.map((column) => [column.name, column.type]));
  const waiting = childrenOf(plan);
  const ofStored = new Set<string>();
  let fromFlat = plan.layouts.filter(isFromFlat).length;
  await session.keepOrder(true);
  await using writer = await session.branch();
  let writing: Promise<BuildProgress[]> = Promise.resolve([]);
  try {
    for (const step of plan.layouts) {
      const table = layoutTable(step.layout);
      const select = isFromFlat(step)
        ? layoutFromFlat(step, flatTable, types, made.dictionaries)
        : layoutFromLayout(step, relationOf(step, request));
      if (step.stored !== undefined || ofStored.has(step.parent ?? '')) ofStored.add(step.layout);
      // Stored texts are texts, not the codes of this session.
      const encodings = ofStored.has(step.layout) ? nothingRead.encodings : made.encodings;
      yield* meter.measure(step.layout, makeLayoutTable(session, step, table, select));
      if (isFromFlat(step) && --fromFlat === 0) {
        await session.run(`DROP TABLE ${flatTable}`);
      }
      yield* await writing;
      writing = writeLayout(writer, step, table, encodings, request, meter).then(async (events) => {
        if (!waiting.has(step.layout)) await writer.run(`DROP TABLE ${table}`);
        return events;
      });
      writing.catch(() => undefined);
      await dropParent(session, step, waiting);
    }
    yield* await writing;
  } finally {
    await Promise.allSettled([writing]);
  }
}

function isFromFlat({ parent, stored }: LayoutStep): boolean {
  return parent === undefined && stored === undefined;
}

/** What a layout is rolled up from: the table of its parent, or the stored files of all segments. */
function relationOf({ parent, stored }: LayoutStep, { plan, stored: files }: BuildRequest): string {
  if (stored === undefined) return layoutTable(parent!);
  return storedRelation(
    stored.columns,
    plan.segments.flatMap(({ id }, segmentOrdinal) => {
      const file = files?.[id]?.[stored.layout];
      return file === undefined ? [] : [{ segmentOrdinal, file }];
    }),
  );
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
