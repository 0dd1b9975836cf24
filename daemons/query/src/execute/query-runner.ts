import { randomUUID } from 'node:crypto';
import type { Caller } from '@tessera/access';
import { type Clock, isTesseraError, messageOf, type TesseraError } from '@tessera/base';
import type {
  Coverage,
  DaemonWork,
  PlanKind,
  QueryParameter,
  QuerySettings,
  QuerySummary,
} from '@tessera/client';
import type { ColumnBatch, Schema } from '@tessera/columnar';
import type { BlockExplanation } from '@tessera/cube';
import type { Logger } from '@tessera/daemon';
import { inSpan, noteOnSpan } from '@tessera/telemetry';
import type { Admission, Admitted } from '../admission/admission.ts';
import type { QueryLog } from '../admission/query-log.ts';
import type { QueryLimits } from '../admission/running-query.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogSnapshot } from '../catalog/snapshot.ts';
import { withoutFile } from '../catalog/without-file.ts';
import type { QueryConfig } from '../config.ts';
import { badSetting, internalError, withheld } from '../errors.ts';
import type { QueryMeasures } from '../measure-queries.ts';
import { sourceFailuresFor } from '../plan/for-caller.ts';
import type { Plan } from '../plan/plan.ts';
import type { Planner, PlanRequest } from '../plan/planner.ts';
import type { Executor } from './executor.ts';
import { explainBatch, explainLines, explainSchema, explanationText } from './explain-report.ts';
import { Unreadable } from './unreadable.ts';

export interface QueryRequest {
  /** Id of the project. */
  readonly project: string;
  readonly sql: string;
  readonly parameters?: readonly QueryParameter[];
  readonly settings?: QuerySettings;
  /** Whose access holds; absent where access is not controlled. */
  readonly caller?: Caller;
  /** Where the call came from: whose turn it is where access is not controlled. */
  readonly client?: string;
  /** Absent: one is made. */
  readonly queryId?: string;
}

export interface Answer {
  readonly queryId: string;
  readonly schema: Schema;
  /** All rows. */
  readonly batch: ColumnBatch;
  readonly summary: QuerySummary;
}

export interface OpenAnswer extends Disposable {
  readonly answer: Answer;
  /** Aborts when the answer is not to be sent any more. */
  readonly signal: AbortSignal;
}

export interface Explained {
  readonly blocks: readonly BlockExplanation[];
  readonly text: string;
  readonly planKind: PlanKind;
  readonly coverage: Coverage;
  readonly schema: Schema;
}

/** Files that one statement may lose to corruption, and times that its source may change, before it gives up. */
const maxReplans = 16;
const maxSourceChanges = 1;

/** One statement from text to rows: admission, catalog, plan, execution, log. The daemon outlives whatever it throws. */
export class QueryRunner {
  readonly #deps: QueryRunnerDeps;
  /** By snapshot: the same without the files that turned out unreadable. */
  readonly #reduced = new WeakMap<CatalogSnapshot, CatalogSnapshot>();

  constructor(deps: QueryRunnerDeps) {
    this.#deps = deps;
  }

  /** The same as `open`, for who takes the answer over as a whole. */
  async execute(request: QueryRequest, caller?: AbortSignal): Promise<Answer> {
    using open = await this.open(request, caller);
    return open.answer;
  }

  /** An answer that counts as held, and is under its statement's deadline, until it is disposed. */
  open(request: QueryRequest, caller?: AbortSignal): Promise<OpenAnswer> {
    const id = request.queryId || randomUUID();
    const attributes = { 'tessera.query_id': id, 'tessera.project': request.project };
    return inSpan('query', attributes, () => this.#open(id, request, caller));
  }

  async #open(id: string, request: QueryRequest, caller?: AbortSignal): Promise<OpenAnswer> {
    const { clock, log, queryLog, admission, measures } = this.#deps;
    const startedMs = clock.monotonicMs();
    const startedAt = clock.now();
    const run: Run = {
      id,
      request,
      startedMs,
      admittedAfterMs: 0,
      queuedMs: 0,
      notes: [],
      daemonWork: [],
      rejectedRows: new Map(),
    };
    const logged = { id, project: request.project, sql: request.sql, startedAt };
    try {
      const limits = limitsOf(request.settings ?? {}, this.#deps.config);
      using stack = new DisposableStack();
      const entrant = { id, project: request.project, sql: request.sql, user: userOf(request) };
      const admitted = stack.use(
        await inSpan('admit', {}, () => admission.admit(entrant, limits, caller)),
      );
      run.admittedAfterMs = clock.monotonicMs() - startedMs;
      run.queuedMs = run.admittedAfterMs;
      const answer = await this.#answer(run, admitted, limits);
      const { rowCount, planKind, timings } = answer.summary;
      queryLog.record(
        { ...logged, durationMicros: timings.totalMicros, rowCount, planKind },
        run.plan?.shape,
      );
      measures.succeeded(answer.summary);
      admitted.finish();
      admitted.query.state = 'SENDING';
      const held = stack.move();
      return { answer, signal: admitted.signal, [Symbol.dispose]: () => held.dispose() };
    } catch (error) {
      const known = isTesseraError(error) ? error : internalError(id, error);
      if (known !== error) {
        const cause = error instanceof Error ? error.stack : messageOf(error);
        log.error({ queryId: id, project: request.project, cause }, 'query.failed');
      }
      const durationMicros = micros(clock.monotonicMs() - startedMs);
      queryLog.record({ ...logged, durationMicros, rowCount: 0n, reason: known.reason });
      measures.failed(known.reason, run.plan?.kind ?? 'none', durationMicros);
      throw run.plan?.readsInPart === true ? withheld(known) : known;
    }
  }

  async explain(request: QueryRequest, caller: AbortSignal): Promise<Explained> {
    const { project, sql } = request;
    const entrant = { id: randomUUID(), project, sql, user: userOf(request) };
    const limits = limitsOf(request.settings ?? {}, this.#deps.config);
    using admitted = await this.#deps.admission.admit(entrant, limits, caller);
    const { signal } = admitted;
    const { snapshot, plan } = await this.#plan(planRequestOf(request), project, signal);
    return {
      blocks: plan.explanations,
      text: explanationText(plan, snapshot, request.caller),
      planKind: plan.kind,
      coverage: coverageOf(plan, snapshot, request.caller),
      schema: plan.schema,
    };
  }

  async #answer(run: Run, admitted: Admitted, limits: QueryLimits): Promise<Answer> {
    const { clock } = this.#deps;
    const { signal, query } = admitted;
    let planned = await this.#plan(planRequestOf(run.request), run.request.project, signal);
    const plannedMs = clock.monotonicMs();
    for (let losses = 0, changes = 0; ; ) {
      const { plan, snapshot } = planned;
      run.plan = plan;
      // The text with its constants may hold what is nobody's business; its shape does not.
      noteOnSpan({ 'tessera.plan_kind': plan.kind, 'db.query.text': plan.shape.sql });
      if (plan.explain?.analyze === false) return this.#explained(run, planned, plannedMs);
      if (plan.refusal !== undefined) throw plan.refusal;
      if (await this.#waitsAsHeavy(run, admitted, plan)) {
        planned = await this.#plan(planRequestOf(run.request), run.request.project, signal);
        continue;
      }
      query.state = 'EXECUTING';
      try {
        const batch = await this.#deps.executor.run(plan, {
          snapshot,
          parameters: plan.parameters,
          timeZone: run.request.settings?.timeZone ?? 'UTC',
          limits,
          signal,
          memory: admitted.memory,
          outlivedBy: (work) => admitted.outlivedBy(work),
          heavy: admitted.heavy,
          onDaemonWork: (work) => run.daemonWork.push(work),
          onRejectedRows: (table, rows) => run.rejectedRows.set(table, rows),
        });
        query.rowCount = BigInt(batch.rowCount);
        const answer = this.#summed(run, planned, batch, plannedMs);
        return plan.explain === undefined ? answer : reportOf(planned, run.request.caller, answer);
      } catch (error) {
        if (error instanceof Unreadable && losses++ < maxReplans) {
          this.#leaveOut(error, run, planned.base);
        } else if (isTesseraError(error, 'SOURCE_CHANGED') && changes++ < maxSourceChanges) {
          run.notes.push(`${error.message} It was planned again.`);
          await this.#deps.catalog.reread(run.request.project, signal, changedSource(error));
        } else {
          throw error instanceof Unreadable ? error.cause : (stillUnread(error, snapshot) ?? error);
        }
        planned = await this.#plan(planRequestOf(run.request), run.request.project, signal);
      }
    }
  }

  /** True: it waited among the heavy statements, so it is to be planned again. */
  async #waitsAsHeavy(run: Run, admitted: Admitted, { predictedMs }: Plan): Promise<boolean> {
    const { clock } = this.#deps;
    const fromMs = clock.monotonicMs();
    const waited = await inSpan('weigh', {}, () => admitted.weigh(predictedMs));
    run.queuedMs += clock.monotonicMs() - fromMs;
    return waited;
  }

  #leaveOut({ what, cause }: Unreadable, run: Run, base: CatalogSnapshot): void {
    this.#reduced.set(base, withoutFile(this.#reduced.get(base) ?? base, what));
    const name =
      what.kind === 'layout'
        ? `Layout ${what.scan.layout} of ${what.scan.cube}`
        : `Snapshot ${what.snapshot.id}`;
    run.notes.push(`${name} was left out (${cause.reason}).`);
    this.#deps.log.warn({ queryId: run.id, name, reason: cause.reason }, 'query.file.unreadable');
  }

  /** What does not fit the tables may fit what they are now: they are read again before the statement is refused. */
  async #plan(request: PlanRequest, project: string, signal: AbortSignal): Promise<Planned> {
    const { catalog, planner, measures } = this.#deps;
    const base = await inSpan('catalog', {}, () => catalog.current(project, signal));
    const snapshot = this.#reduced.get(base) ?? base;
    const plan = async (over: CatalogSnapshot) => {
      const made = await inSpan('plan', {}, () => planner.plan(request, over, signal));
      measures.planned(made.cached);
      return made;
    };
    try {
      return { ...(await plan(snapshot)), snapshot, base };
    } catch (error) {
      if (!isTesseraError(error) || faultsOfText.has(error.reason)) throw error;
      const renewed = await inSpan('catalog', {}, () => catalog.reread(project, signal));
      if (renewed !== base) {
        return { ...(await plan(renewed)), snapshot: renewed, base: renewed };
      }
      throw missingSource(request, error, snapshot) ?? error;
    }
  }

  #explained(run: Run, planned: Planned, plannedMs: number): Answer {
    const batch = explainBatch(explainLines(planned, run.request.caller));
    return { ...this.#summed(run, planned, batch, plannedMs), schema: explainSchema };
  }

  #summed(
    run: Run,
    { plan, snapshot, cached }: Planned,
    batch: ColumnBatch,
    plannedMs: number,
  ): Answer {
    const nowMs = this.#deps.clock.monotonicMs();
    return {
      queryId: run.id,
      schema: plan.schema,
      batch,
      summary: {
        rowCount: BigInt(batch.rowCount),
        coverage: coverageOf(plan, snapshot, run.request.caller),
        planKind: plan.kind,
        timings: {
          totalMicros: micros(nowMs - run.startedMs),
          queueMicros: micros(run.queuedMs),
          planMicros: cached ? 0n : micros(plannedMs - run.startedMs - run.admittedAfterMs),
          executeMicros: micros(nowMs - plannedMs - (run.queuedMs - run.admittedAfterMs)),
        },
        rejectedRows: rejectedRows(run, plan, snapshot),
        notes: run.notes,
        daemonWork: plan.tellsWork ? [...run.daemonWork] : [],
      },
    };
  }
}

export interface QueryRunnerDeps {
  readonly admission: Admission;
  readonly catalog: Catalog;
  readonly planner: Planner;
  readonly executor: Executor;
  readonly queryLog: QueryLog;
  readonly measures: QueryMeasures;
  readonly config: QueryConfig;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Reasons by which a statement is refused whatever the tables are. */
const faultsOfText: ReadonlySet<string> = new Set([
  'SQL_SYNTAX',
  'SQL_TOO_LARGE',
  'SQL_TOO_COMPLEX',
  'QUERY_TOO_COMPLEX',
  'NOT_A_QUERY',
  'MULTIPLE_STATEMENTS',
  'UNSUPPORTED_SQL',
  'PARAMETER_MISSING',
]);

/** A name that nobody knows may be one of a source that cannot be read: then that is what to tell. */
function missingSource(
  { sql, caller }: PlanRequest,
  error: TesseraError,
  snapshot: CatalogSnapshot,
): TesseraError | undefined {
  const isName = isTesseraError(error, 'UNKNOWN_TABLE') || isTesseraError(error, 'UNKNOWN_COLUMN');
  if (!isName) return undefined;
  const failures = sourceFailuresFor(caller, snapshot);
  const named = failures.find(([source]) => sql.includes(source));
  return (named ?? failures[0])?.[1];
}

/** Id of the source whose table a SOURCE_CHANGED is about. */
function changedSource(error: TesseraError): string {
  return error.metadata['table']?.split('.')[0] ?? '';
}

/** Data that changed and whose columns cannot be read are no reason to run the query again, but to mend the source. */
function stillUnread(
  error: unknown,
  { sourceFailures }: CatalogSnapshot,
): TesseraError | undefined {
  if (!isTesseraError(error, 'SOURCE_CHANGED')) return undefined;
  return sourceFailures.get(changedSource(error));
}

interface Run {
  readonly id: string;
  readonly request: QueryRequest;
  readonly startedMs: number;
  readonly notes: string[];
  readonly daemonWork: DaemonWork[];
  /** By source table, of those that were read for it. */
  readonly rejectedRows: Map<string, bigint>;
  /** How long it waited until it was planned, and in all. */
  admittedAfterMs: number;
  queuedMs: number;
  plan?: Plan;
}

/** Whose turn it is. */
export function userOf({ caller, client }: Pick<QueryRequest, 'caller' | 'client'>): string {
  return caller?.user ?? client ?? '';
}

interface Planned {
  readonly plan: Plan;
  readonly cached: boolean;
  readonly snapshot: CatalogSnapshot;
  /** As the catalog gave it. */
  readonly base: CatalogSnapshot;
}

/** EXPLAIN ANALYZE: what running it took, in the place of its rows. */
function reportOf(planned: Planned, caller: Caller | undefined, answer: Answer): Answer {
  const batch = explainBatch(explainLines(planned, caller, answer.summary));
  const rowCount = BigInt(batch.rowCount);
  return { ...answer, schema: explainSchema, batch, summary: { ...answer.summary, rowCount } };
}

function micros(ms: number): bigint {
  return BigInt(Math.max(0, Math.round(ms * 1_000)));
}

function planRequestOf(request: QueryRequest): PlanRequest {
  const { sql, parameters = [], settings = {}, caller } = request;
  return {
    ...(caller === undefined ? {} : { caller }),
    sql,
    parameters: parameters.map(({ value }) => value),
    parameterTypes: parameters.map(({ type }) => (type?.kind === 'unknown' ? undefined : type)),
    settings: {
      timeZone: settings.timeZone ?? 'UTC',
      useCuboids: settings.useCuboids ?? 'auto',
    },
  };
}

/** What a statement sets may only be less than what the daemon allows. */
function limitsOf(settings: QuerySettings, config: QueryConfig): QueryLimits {
  const { timeoutMs = config.queryTimeoutMs, maxRows, maxBytes, timeZone } = settings;
  if (!(timeoutMs > 0)) throw badSetting('timeout', String(timeoutMs), 'a positive time');
  if (maxRows !== undefined && maxRows < 0n) throw badSetting('max_rows', `${maxRows}`, 'positive');
  if (maxBytes !== undefined && maxBytes < 0n) {
    throw badSetting('max_bytes', `${maxBytes}`, 'positive');
  }
  if (timeZone !== undefined && timeZone !== 'UTC') checkTimeZone(timeZone);
  return {
    timeoutMs: Math.min(timeoutMs, config.queryTimeoutMs),
    maxRows: Math.min(Number(maxRows || config.maxResultRows), config.maxResultRows),
    maxBytes: Math.min(Number(maxBytes || config.maxResultBytes), config.maxResultBytes),
  };
}

function checkTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch {
    throw badSetting('time_zone', timeZone, 'an IANA time zone such as Europe/Berlin');
  }
}

function coverageOf(plan: Plan, snapshot: CatalogSnapshot, caller: Caller | undefined): Coverage {
  return {
    catalogRevision: snapshot.revision,
    policyRevision: caller?.revision ?? 0n,
    blocks: plan.coverage,
    sourceTables: plan.sourceTables,
  };
}

/** Of the tables that were read, and of the segments of blocks that needed nothing else. */
function rejectedRows(run: Run, plan: Plan, snapshot: CatalogSnapshot): bigint {
  const whole = plan.coverage.filter(({ pushedDown }) => pushedDown.length === 0);
  const ofSegments = whole.reduce((sum, block) => sum + block.rejectedRows, 0n);
  return plan.sourceTables.reduce(
    (sum, table) => sum + (run.rejectedRows.get(table) ?? listedRejects(table, snapshot)),
    ofSegments,
  );
}

/** What the catalog tells of a table, which knows it only once somebody has read the table. */
function listedRejects(key: string, { sources }: CatalogSnapshot): bigint {
  for (const { description, tables } of sources.values()) {
    const table = tables.find(({ name }) => `${description.name}.${name}` === key);
    if (table !== undefined) return table.statistics.rejectedRows ?? 0n;
  }
  return 0n;
}
