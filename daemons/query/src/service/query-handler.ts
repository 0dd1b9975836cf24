import { randomUUID } from 'node:crypto';
import type { AccessView, Caller } from '@tessera/access';
import { nearestName, parseResourceName } from '@tessera/base';
import {
  blockExplanationToProto,
  coverageToProto,
  planKindToProto,
  queryParameterFromProto,
  querySettingsFromProto,
  querySummaryToProto,
  recordBatchToProto,
  schemaToProto,
  timestampToProto,
} from '@tessera/client';
import { batchBytes, type ColumnBatch, sliceBatch } from '@tessera/columnar';
import { type AccessContext, callerOf } from '@tessera/daemon';
import type { ExternalTable } from '@tessera/plugin';
import { type access, query } from '@tessera/proto';
import type { Admission } from '../admission/admission.ts';
import type { QueryLog } from '../admission/query-log.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { faultsOfPolicies } from '../catalog/policy-faults.ts';
import { type SegmentFreshness, segmentFreshness } from '../catalog/segment-freshness.ts';
import type { CatalogSnapshot } from '../catalog/snapshot.ts';
import { badPageToken, tableNotFound } from '../errors.ts';
import { previewTable } from '../execute/preview-table.ts';
import { type QueryRequest, type QueryRunner, userOf } from '../execute/query-runner.ts';
import type { SourceExecutor } from '../execute/source-executor.ts';
import { sourceFailuresFor, tableFor } from '../plan/for-caller.ts';
import type { Planner } from '../plan/planner.ts';

/** Rows and about how many bytes one message has at most. */
const maxBatchRows = 65_536;
const maxBatchBytes = 16 * 1024 * 1024;
const maxShownSql = 4_096;

export interface QueryHandlerDeps {
  readonly runner: QueryRunner;
  readonly admission: Admission;
  readonly planner: Planner;
  readonly catalog: Catalog;
  readonly source: SourceExecutor;
  readonly queryLog: QueryLog;
  readonly previewTimeoutMs: number;
  /** The access policies of a project. */
  readonly policiesOf: (project: string, signal: AbortSignal) => Promise<readonly access.Policy[]>;
}

/** Wire in, wire out. */
export class QueryHandler implements query.QueryServiceImplementation {
  readonly #deps: QueryHandlerDeps;

  constructor(deps: QueryHandlerDeps) {
    this.#deps = deps;
  }

  async *executeQuery(
    request: query.ExecuteQueryRequest,
    context: AccessContext,
  ): AsyncIterable<query.ExecuteQueryResponse> {
    const wanted = requestOf(request, context);
    using open = await this.#deps.runner.open(wanted, context.signal);
    const { answer, signal } = open;
    const { queryId, schema, batch } = answer;
    const header = { queryId, schema: schemaToProto(schema) };
    const batchRows = rowsPerMessage(batch);
    for (let start = 0; start === 0 || start < batch.rowCount; start += batchRows) {
      signal.throwIfAborted();
      const end = Math.min(start + batchRows, batch.rowCount);
      const part = end - start === batch.rowCount ? batch : sliceBatch(batch, start, end);
      yield {
        header: start === 0 ? header : undefined,
        batch: batch.rowCount === 0 ? undefined : recordBatchToProto(part),
        summary: end === batch.rowCount ? querySummaryToProto(answer.summary) : undefined,
      };
    }
  }

  async explainQuery(
    request: query.ExplainQueryRequest,
    context: AccessContext,
  ): Promise<query.ExplainQueryResponse> {
    const wanted = requestOf(request, context);
    const explained = await this.#deps.runner.explain(wanted, context.signal);
    return {
      blocks: explained.blocks.map(blockExplanationToProto),
      text: explained.text,
      planKind: planKindToProto(explained.planKind),
      coverage: coverageToProto(explained.coverage),
      schema: schemaToProto(explained.schema),
    };
  }

  async cancelQuery({ queryId }: query.CancelQueryRequest): Promise<query.CancelQueryResponse> {
    this.#deps.admission.cancel(queryId);
    return {};
  }

  async listQueries(request: query.ListQueriesRequest): Promise<query.ListQueriesResponse> {
    const page = pageOf(this.#deps.admission.running(), request);
    return {
      queries: page.items.map((running) => ({
        queryId: running.id,
        sql: running.sql.slice(0, maxShownSql),
        startTime: timestampToProto(running.startedAt),
        queued: running.state === 'QUEUED',
        rowsSent: running.rowCount,
        planKind: query.PlanKind.PLAN_KIND_UNSPECIFIED,
      })),
      nextPageToken: page.nextPageToken,
    };
  }

  async listTables(
    request: query.ListTablesRequest,
    context: AccessContext,
  ): Promise<query.ListTablesResponse> {
    const { signal } = context;
    const { catalog, planner } = this.#deps;
    const project = projectOf(request.project);
    const snapshot = request.refresh
      ? await catalog.reread(project, signal)
      : await catalog.current(project, signal);
    const wanted = (source: string) => request.source === '' || request.source === source;
    const caller = callerOf(context);
    const view = planner.viewOf(caller, snapshot);
    const tables = [...snapshot.sources.values()].flatMap(({ description, tables }) =>
      tables.flatMap((table) => {
        const seen = tableFor(view, description.name, table);
        return seen === undefined ? [] : [{ source: description.name, table: seen }];
      }),
    );
    const named = tables
      .filter(({ source }) => wanted(source))
      .sort((a, b) => (`${a.source}.${a.table.name}` < `${b.source}.${b.table.name}` ? -1 : 1));
    const page = pageOf(named, request);
    return {
      tables: page.items.map(({ source, table }) => tableToProto(source, table)),
      nextPageToken: page.nextPageToken,
      failures: sourceFailuresFor(caller, snapshot)
        .filter(([source]) => wanted(source))
        .map(([source, { reason, message }]) => ({ source, reason, message })),
    };
  }

  async previewTable(
    request: query.PreviewTableRequest,
    context: AccessContext,
  ): Promise<query.PreviewTableResponse> {
    const { admission, catalog, source: executor, previewTimeoutMs: timeoutMs } = this.#deps;
    const { source, table } = request;
    const caller = callerOf(context);
    const restricted = await this.#previewFor(caller, request, context.signal);
    if (restricted !== undefined) return restricted;
    const project = projectOf(request.project);
    const user = userOf({ ...(caller && { caller }), client: context.peer });
    const entrant = { id: randomUUID(), project, sql: `preview of ${source}.${table}`, user };
    using admitted = await admission.admit(entrant, { timeoutMs }, context.signal);
    const previewed = await previewTable(
      { project, source, table, rows: previewRows(request.maxRows) },
      catalog,
      executor,
      admitted.signal,
    );
    return {
      table: tableToProto(source, previewed.table),
      batches: [recordBatchToProto(previewed.rows)],
    };
  }

  /** The first rows as a caller sees them who does not see all of the table; undefined for who does. */
  async #previewFor(
    caller: Caller | undefined,
    request: query.PreviewTableRequest,
    signal: AbortSignal,
  ): Promise<query.PreviewTableResponse | undefined> {
    if (caller === undefined) return undefined;
    const { catalog, planner, runner } = this.#deps;
    const { source } = request;
    const project = projectOf(request.project);
    const snapshot = await catalog.current(project, signal);
    const view = planner.viewOf(caller, snapshot);
    const table = findTable(snapshot, source, request.table, { caller, view });
    if (view?.seesAll({ source, table: table.name }) !== false) return undefined;
    const sql = firstRows(source, table, previewRows(request.maxRows));
    const settings = { useCuboids: 'never' } as const;
    const { batch } = await runner.execute({ project, sql, settings, caller }, signal);
    return { table: tableToProto(source, table), batches: [recordBatchToProto(batch)] };
  }

  async listSegmentFreshness(
    request: query.ListSegmentFreshnessRequest,
    { signal }: AccessContext,
  ): Promise<query.ListSegmentFreshnessResponse> {
    const { catalog } = this.#deps;
    const { project, cube } = cubesOf(request.parent);
    const snapshot =
      request.pageToken === ''
        ? await catalog.renew(project, signal)
        : await catalog.current(project, signal);
    const page = pageOf(await segmentFreshness(snapshot, cube, signal), request);
    return {
      segments: page.items.map(({ segment, freshness, changedTables }) => ({
        segment,
        freshness: freshnessCodes[freshness],
        changedTables: [...changedTables],
      })),
      nextPageToken: page.nextPageToken,
    };
  }

  async listPolicyFaults(
    request: query.ListPolicyFaultsRequest,
    { signal }: AccessContext,
  ): Promise<query.ListPolicyFaultsResponse> {
    const { catalog, policiesOf } = this.#deps;
    const project = projectOf(request.project);
    const policies = await policiesOf(project, signal);
    if (policies.length === 0) return { faults: [], nextPageToken: '' };
    const snapshot =
      request.pageToken === ''
        ? await catalog.reread(project, signal)
        : await catalog.current(project, signal);
    const page = pageOf(faultsOfPolicies(policies, snapshot), request);
    return { faults: [...page.items], nextPageToken: page.nextPageToken };
  }

  async getQueryStatistics(
    request: query.GetQueryStatisticsRequest,
  ): Promise<query.GetQueryStatisticsResponse> {
    const { queryLog } = this.#deps;
    const limit = Math.min(request.maxShapes || 1_000, 10_000);
    const shapes = queryLog
      .shapes(projectOf(request.project))
      .filter(
        ({ blocks }) => request.model === '' || blocks.some((b) => b.model === request.model),
      );
    return {
      shapes: shapes.slice(0, limit).map((shape) => ({
        sql: shape.sql,
        count: shape.count,
        totalMicros: shape.totalMicros,
        totalRows: shape.totalRows,
        planKind: planKindToProto(shape.planKind),
        lastTime: timestampToProto(shape.lastAt),
        blocks: shape.blocks.map((block) => ({
          ...block,
          dimensions: [...block.dimensions],
          measures: [...block.measures],
        })),
      })),
      startTime: timestampToProto(queryLog.startedAt),
    };
  }
}

function requestOf(
  request: query.ExecuteQueryRequest | query.ExplainQueryRequest,
  context: AccessContext,
): QueryRequest {
  const caller = callerOf(context);
  return {
    client: context.peer,
    ...(caller === undefined ? {} : { caller }),
    project: projectOf(request.project),
    sql: request.sql,
    parameters: request.parameters.map(queryParameterFromProto),
    settings: querySettingsFromProto(request.settings),
    ...('queryId' in request && request.queryId !== '' ? { queryId: request.queryId } : {}),
  };
}

function projectOf(name: string): string {
  if (name === '') return 'default';
  return parseResourceName(name, 'projects/{project}')['project']!;
}

const freshnessCodes: Readonly<Record<SegmentFreshness['freshness'], query.Freshness>> = {
  current: query.Freshness.FRESHNESS_CURRENT,
  stale: query.Freshness.FRESHNESS_STALE,
  unknown: query.Freshness.FRESHNESS_UNSPECIFIED,
};

/** The cubes that a parent stands for: one, or all of its project. */
function cubesOf(parent: string): { readonly project: string; readonly cube: string | undefined } {
  const every = '/cubes/-';
  if (parent.endsWith(every)) {
    return { project: projectOf(parent.slice(0, -every.length)), cube: undefined };
  }
  const { project } = parseResourceName(parent, 'projects/{project}/cubes/{cube}');
  return { project: project!, cube: parent };
}

function tableToProto(source: string, { name, columns, statistics }: ExternalTable): query.Table {
  return { source, name, schema: schemaToProto(columns), ...statistics };
}

function findTable(
  snapshot: CatalogSnapshot,
  source: string,
  table: string,
  access: { readonly caller: Caller | undefined; readonly view: AccessView | undefined },
): ExternalTable {
  const failures = new Map(sourceFailuresFor(access.caller, snapshot));
  const failure = failures.get(source);
  if (failure !== undefined) throw failure;
  const all = snapshot.sources.get(source)?.tables ?? [];
  const tables = all.flatMap((one) => tableFor(access.view, source, one) ?? []);
  const found = tables.find(({ name }) => name === table);
  if (found !== undefined) return found;
  const names = tables.map(({ name }) => name);
  throw tableNotFound(source, table, nearestName(table, names));
}

function previewRows(wanted: number): number {
  return Math.min(wanted || 20, 1_000);
}

/** A table that is seen in part is read as a statement is, so that its policies hold. */
function firstRows(source: string, { name, columns }: ExternalTable, rows: number): string {
  const quoted = (word: string) => `"${word.replaceAll('"', '""')}"`;
  const names = columns.map((column) => quoted(column.name)).join(', ');
  return `select ${names} from ${quoted(source)}.${quoted(name)} limit ${rows}`;
}

function rowsPerMessage(batch: ColumnBatch): number {
  const share = maxBatchBytes / Math.max(1, batchBytes(batch));
  return Math.max(1, Math.min(maxBatchRows, Math.floor(batch.rowCount * share)));
}

/** A page token is the position of the first item. */
function pageOf<Item>(
  items: readonly Item[],
  { pageSize, pageToken }: { readonly pageSize: number; readonly pageToken: string },
): { readonly items: readonly Item[]; readonly nextPageToken: string } {
  const start = pageToken === '' ? 0 : Number(pageToken);
  if (!Number.isSafeInteger(start) || start < 0) throw badPageToken(pageToken);
  const end = start + Math.min(Math.max(0, pageSize) || 100, 1_000);
  return { items: items.slice(start, end), nextPageToken: end < items.length ? String(end) : '' };
}
