import { type ColumnBatch, decodeArrow, rowsOf, type Schema, type Value } from '@tessera/columnar';
import type { BlockExplanation } from '@tessera/cube';
import type { query as wire } from '@tessera/proto';
import type { TesseraClient } from '../clients.ts';
import { answerIncomplete } from '../errors.ts';
import { schemaFromProto } from '../resources/data-type.ts';
import { blockExplanationFromProto } from '../resources/explanation.ts';
import {
  type Coverage,
  coverageFromProto,
  type PlanKind,
  planKindFromProto,
  type QueryParameter,
  type QuerySettings,
  type QuerySummary,
  queryParameterToProto,
  querySettingsToProto,
  querySummaryFromProto,
} from '../resources/query.ts';

export interface QueryOptions extends QuerySettings {
  /** $1 first: plain values, or values with their type. */
  readonly parameters?: readonly QueryParameter[];
  /** Resource name; absent: the default project. */
  readonly project?: string;
  readonly queryId?: string;
  readonly signal?: AbortSignal;
}

/** An answer as it arrives. Stop iterating to cancel the query. */
export interface QueryStream extends AsyncIterable<ColumnBatch> {
  readonly queryId: string;
  readonly schema: Schema;
  /** @throws ANSWER_INCOMPLETE before the batches were read to the end. */
  summary(): QuerySummary;
}

export interface QueryAnswer {
  readonly queryId: string;
  readonly schema: Schema;
  /** One array per row, values as `Value` has them. */
  readonly rows: readonly (readonly Value[])[];
  readonly summary: QuerySummary;
}

/** Runs one SELECT and reads the answer whole; for large ones see `queryStream`. */
export async function query(
  queries: TesseraClient['queries'],
  sql: string,
  options: QueryOptions = {},
): Promise<QueryAnswer> {
  const stream = await queryStream(queries, sql, options);
  const rows: (readonly Value[])[] = [];
  for await (const batch of stream) for (const row of rowsOf(batch)) rows.push(row);
  const { queryId, schema } = stream;
  return { queryId, schema, rows, summary: stream.summary() };
}

/** Runs one SELECT. Resolves when the schema is known. */
export async function queryStream(
  queries: TesseraClient['queries'],
  sql: string,
  options: QueryOptions = {},
): Promise<QueryStream> {
  const responses = queries.executeQuery(requestOf(sql, options), callOptions(options));
  const messages = responses[Symbol.asyncIterator]();
  let message: wire.ExecuteQueryResponse | undefined = (await messages.next()).value;
  if (message?.header === undefined) throw answerIncomplete(options.queryId ?? '');
  const { queryId, schema } = message.header;
  let summary: QuerySummary | undefined;
  const batches = async function* (): AsyncGenerator<ColumnBatch, void, undefined> {
    try {
      while (message !== undefined) {
        if (message.summary !== undefined) summary = querySummaryFromProto(message.summary);
        if (message.batch !== undefined) yield decodeArrow(message.batch.arrowIpc);
        message = (await messages.next()).value;
      }
      if (summary === undefined) throw answerIncomplete(queryId);
    } finally {
      await messages.return?.();
    }
  };
  return {
    queryId,
    schema: schemaFromProto(schema),
    [Symbol.asyncIterator]: batches,
    summary: () => {
      if (summary === undefined) throw answerIncomplete(queryId);
      return summary;
    },
  };
}

export interface Explanation {
  readonly blocks: readonly BlockExplanation[];
  /** For people. */
  readonly text: string;
  readonly planKind: PlanKind;
  readonly coverage: Coverage;
  readonly schema: Schema;
}

/** How a statement would be answered, and why so. */
export async function explain(
  queries: TesseraClient['queries'],
  sql: string,
  options: QueryOptions = {},
): Promise<Explanation> {
  const response = await queries.explainQuery(requestOf(sql, options), callOptions(options));
  return {
    blocks: response.blocks.map(blockExplanationFromProto),
    text: response.text,
    planKind: planKindFromProto(response.planKind),
    coverage: coverageFromProto(response.coverage),
    schema: schemaFromProto(response.schema),
  };
}

function requestOf(sql: string, options: QueryOptions) {
  return {
    sql,
    project: options.project ?? '',
    parameters: (options.parameters ?? []).map(queryParameterToProto),
    settings: querySettingsToProto(options),
    queryId: options.queryId ?? '',
  };
}

function callOptions({ signal }: QueryOptions): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
