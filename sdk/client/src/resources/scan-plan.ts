import type { DataType, Value } from '@tessera/columnar';
import type { ScanAggregate, ScanPlan, SnapshotJoin } from '@tessera/cube';
import { storage, type type } from '@tessera/proto';
import { childrenOf, type Expr } from '@tessera/sql';
import { dataTypeFromProto, dataTypeToProto } from './data-type.ts';
import { enumPair } from './enum-pair.ts';
import {
  expressionFromProto,
  expressionToProto,
  orderItemFromProto,
  orderItemToProto,
} from './expression.ts';
import { valueFromProto, valueToProto } from './value.ts';

const functions = enumPair<ScanAggregate['fn']>('scan function', {
  sum: storage.ScanFunction.SCAN_FUNCTION_SUM,
  min: storage.ScanFunction.SCAN_FUNCTION_MIN,
  max: storage.ScanFunction.SCAN_FUNCTION_MAX,
  count_sum: storage.ScanFunction.SCAN_FUNCTION_COUNT_SUM,
  m2: storage.ScanFunction.SCAN_FUNCTION_M2,
  distinct: storage.ScanFunction.SCAN_FUNCTION_DISTINCT,
  distinct_bits: storage.ScanFunction.SCAN_FUNCTION_DISTINCT_BITS,
});

export function scanPlanToProto(plan: ScanPlan): storage.ScanPlan {
  return {
    cube: plan.cube,
    layout: plan.layout,
    segments: plan.segments.map(({ id, fileDigest }) => ({ id, fileDigest })),
    lookups: plan.lookups.map(snapshotJoinToProto),
    filter: plan.filter && expressionToProto(plan.filter),
    groupBy: plan.groupBy.map(({ name, expr }) => ({ name, expression: expressionToProto(expr) })),
    aggregates: plan.aggregates.map(aggregateToProto),
    topK: plan.topK && {
      orderBy: plan.topK.orderBy.map(orderItemToProto),
      limit: BigInt(plan.topK.limit),
    },
    timeZone: plan.timeZone ?? '',
  };
}

export function scanPlanFromProto(message: storage.ScanPlan): ScanPlan {
  const { topK } = message;
  return {
    cube: message.cube,
    layout: message.layout,
    segments: message.segments.map(({ id, fileDigest }) => ({ id, fileDigest })),
    lookups: message.lookups.map(snapshotJoinFromProto),
    ...(message.filter ? { filter: expressionFromProto(message.filter) } : {}),
    groupBy: message.groupBy.map(({ name, expression }) => ({
      name,
      expr: expressionFromProto(expression),
    })),
    aggregates: message.aggregates.map(aggregateFromProto),
    ...(topK
      ? { topK: { orderBy: topK.orderBy.map(orderItemFromProto), limit: Number(topK.limit) } }
      : {}),
    ...(message.timeZone === '' ? {} : { timeZone: message.timeZone }),
  };
}

function snapshotJoinToProto(join: SnapshotJoin): storage.SnapshotJoin {
  return {
    alias: join.alias,
    snapshot: join.snapshot,
    on: join.on.map(({ expr, column }) => ({ expression: expressionToProto(expr), column })),
    columns: join.columns.map(({ name, type }) => ({ name, type: dataTypeToProto(type) })),
    inner: join.inner,
  };
}

function snapshotJoinFromProto(message: storage.SnapshotJoin): SnapshotJoin {
  return {
    alias: message.alias,
    snapshot: message.snapshot,
    on: message.on.map(({ expression, column }) => ({
      expr: expressionFromProto(expression),
      column,
    })),
    columns: message.columns.map(({ name, type }) => ({ name, type: dataTypeFromProto(type) })),
    inner: message.inner,
  };
}

function aggregateToProto(aggregate: ScanAggregate): storage.ScanAggregate {
  return {
    name: aggregate.name,
    function: functions.toProto(aggregate.fn) as storage.ScanFunction,
    arguments: aggregate.args.map(expressionToProto),
    filter: aggregate.filter && expressionToProto(aggregate.filter),
    type: dataTypeToProto(aggregate.type),
  };
}

function aggregateFromProto(message: storage.ScanAggregate): ScanAggregate {
  return {
    name: message.name,
    fn: functions.fromProto(message.function),
    args: message.arguments.map(expressionFromProto),
    ...(message.filter ? { filter: expressionFromProto(message.filter) } : {}),
    type: dataTypeFromProto(message.type),
  };
}

/**
 * Values for the parameters of a plan, $1 first. Parameters that the plan does not use are sent as NULL: what
 * type they have is not known here.
 */
export function scanParametersToProto(plan: ScanPlan, values: readonly Value[]): type.Value[] {
  const types = parameterTypes(plan);
  return values.map((value, index) => {
    const dataType = types.get(index);
    return dataType === undefined
      ? valueToProto(null, { kind: 'unknown' })
      : valueToProto(value, dataType);
  });
}

/** @throws MALFORMED_MESSAGE when a value does not have the type that the plan gives its parameter. */
export function scanParametersFromProto(
  plan: ScanPlan,
  messages: readonly type.Value[],
): readonly Value[] {
  const types = parameterTypes(plan);
  return messages.map((message, index) =>
    valueFromProto(message, types.get(index) ?? { kind: 'unknown' }),
  );
}

function parameterTypes(plan: ScanPlan): ReadonlyMap<number, DataType> {
  const types = new Map<number, DataType>();
  const visit = (expr: Expr): void => {
    if (expr.kind === 'parameter') types.set(expr.index, expr.type);
    for (const child of childrenOf(expr)) visit(child);
  };
  const roots = [
    plan.filter,
    ...plan.lookups.flatMap(({ on }) => on.map(({ expr }) => expr)),
    ...plan.groupBy.map(({ expr }) => expr),
    ...plan.aggregates.flatMap(({ args, filter }) => [...args, filter]),
    ...(plan.topK?.orderBy ?? []).map(({ expr }) => expr),
  ];
  for (const root of roots) if (root !== undefined) visit(root);
  return types;
}
