import type { DataType, Value } from '@tessera/columnar';
import type { BlockCoverage } from '@tessera/cube';
import { query, type type } from '@tessera/proto';
import { type DaemonWork, daemonWorkFromProto, daemonWorkToProto } from './daemon-work.ts';
import { dataTypeFromProto, dataTypeToProto } from './data-type.ts';
import { enumPair } from './enum-pair.ts';
import { blockCoverageFromProto, blockCoverageToProto } from './explanation.ts';
import { durationFromProto, durationToProto } from './time.ts';
import { untypedValueFromProto, valueFromProto, valueToProto } from './value.ts';

/** `auto`: cuboids wherever they can; `never`: only the source; `always`: refuse rather than read the source. */
export type CuboidUse = 'auto' | 'never' | 'always';

export interface QuerySettings {
  /** IANA name; absent: UTC. */
  readonly timeZone?: string;
  readonly timeoutMs?: number;
  readonly maxRows?: bigint;
  readonly maxBytes?: bigint;
  readonly useCuboids?: CuboidUse;
}

/** Where an answer came from; `constant`: no table was needed. */
export type PlanKind = 'cuboid' | 'mixed' | 'source' | 'constant';

/** What an answer rests on. */
export interface Coverage {
  readonly catalogRevision: bigint;
  /** Of the access policies that were applied; 0 where access is not controlled. */
  readonly policyRevision: bigint;
  readonly blocks: readonly BlockCoverage[];
  /** Tables read from their source, as `source.table`. */
  readonly sourceTables: readonly string[];
}

export interface QuerySummary {
  readonly rowCount: bigint;
  readonly coverage: Coverage;
  readonly planKind: PlanKind;
  readonly timings: QueryTimings;
  readonly rejectedRows: bigint;
  /** What went wrong on the way and was got round, for people. */
  readonly notes: readonly string[];
  /** Calls to storage daemons, where there are several. */
  readonly daemonWork: readonly DaemonWork[];
}

/** Microseconds. */
export interface QueryTimings {
  readonly totalMicros: bigint;
  readonly queueMicros: bigint;
  readonly planMicros: bigint;
  readonly executeMicros: bigint;
}

/** A value bound to $n; `type` absent: the statement decides. */
export interface QueryParameter {
  readonly type?: DataType;
  readonly value: Value;
}

const uses = enumPair<CuboidUse>('use of cuboids', {
  auto: query.CuboidUse.CUBOID_USE_AUTO,
  never: query.CuboidUse.CUBOID_USE_NEVER,
  always: query.CuboidUse.CUBOID_USE_ALWAYS,
});

const planKinds = enumPair<PlanKind>('plan kind', {
  cuboid: query.PlanKind.PLAN_KIND_CUBOID,
  mixed: query.PlanKind.PLAN_KIND_MIXED,
  source: query.PlanKind.PLAN_KIND_SOURCE,
  constant: query.PlanKind.PLAN_KIND_CONSTANT,
});

export function querySettingsToProto(settings: QuerySettings): query.QuerySettings {
  return {
    timeZone: settings.timeZone ?? '',
    timeout: settings.timeoutMs === undefined ? undefined : durationToProto(settings.timeoutMs),
    maxRows: settings.maxRows ?? 0n,
    maxBytes: settings.maxBytes ?? 0n,
    useCuboids: uses.optionalToProto(settings.useCuboids) as query.CuboidUse,
  };
}

export function querySettingsFromProto(message: query.QuerySettings | undefined): QuerySettings {
  if (message === undefined) return {};
  const timeoutMs = durationFromProto(message.timeout);
  const useCuboids = uses.optionalFromProto(message.useCuboids);
  return {
    ...(message.timeZone ? { timeZone: message.timeZone } : {}),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(message.maxRows ? { maxRows: message.maxRows } : {}),
    ...(message.maxBytes ? { maxBytes: message.maxBytes } : {}),
    ...(useCuboids ? { useCuboids } : {}),
  };
}

export function planKindToProto(kind: PlanKind): query.PlanKind {
  return planKinds.toProto(kind) as query.PlanKind;
}

export function planKindFromProto(kind: query.PlanKind): PlanKind {
  return planKinds.fromProto(kind);
}

export function coverageToProto(coverage: Coverage): query.Coverage {
  return {
    catalogRevision: coverage.catalogRevision,
    policyRevision: coverage.policyRevision,
    blocks: coverage.blocks.map(blockCoverageToProto),
    sourceTables: [...coverage.sourceTables],
  };
}

export function coverageFromProto(message: query.Coverage | undefined): Coverage {
  return {
    catalogRevision: message?.catalogRevision ?? 0n,
    policyRevision: message?.policyRevision ?? 0n,
    blocks: (message?.blocks ?? []).map(blockCoverageFromProto),
    sourceTables: [...(message?.sourceTables ?? [])],
  };
}

export function querySummaryToProto(summary: QuerySummary): query.QuerySummary {
  return {
    rowCount: summary.rowCount,
    coverage: coverageToProto(summary.coverage),
    planKind: planKindToProto(summary.planKind),
    timings: { ...summary.timings },
    rejectedRows: summary.rejectedRows,
    notes: summary.notes,
    daemonWork: summary.daemonWork.map(daemonWorkToProto),
  };
}

export function querySummaryFromProto(message: query.QuerySummary): QuerySummary {
  const { timings } = message;
  return {
    rowCount: message.rowCount,
    coverage: coverageFromProto(message.coverage),
    planKind: planKindFromProto(message.planKind),
    timings: {
      totalMicros: timings?.totalMicros ?? 0n,
      queueMicros: timings?.queueMicros ?? 0n,
      planMicros: timings?.planMicros ?? 0n,
      executeMicros: timings?.executeMicros ?? 0n,
    },
    rejectedRows: message.rejectedRows,
    notes: [...message.notes],
    daemonWork: message.daemonWork.map(daemonWorkFromProto),
  };
}

/** A parameter without a type is sent by what its JavaScript value is. */
export function queryParameterToProto(parameter: QueryParameter): type.Parameter {
  const dataType = parameter.type ?? guessType(parameter.value);
  return {
    type: parameter.type && dataTypeToProto(parameter.type),
    value: valueToProto(parameter.value, dataType),
  };
}

/** With a type always: `unknown` where neither the caller nor the value gives one. */
export function queryParameterFromProto(message: type.Parameter): Required<QueryParameter> {
  if (message.type === undefined) return untypedValueFromProto(message.value);
  const dataType = dataTypeFromProto(message.type);
  return { type: dataType, value: valueFromProto(message.value, dataType) };
}

function guessType(value: Value): DataType {
  switch (typeof value) {
    case 'boolean':
      return { kind: 'boolean' };
    case 'bigint':
      return { kind: 'bigint' };
    case 'number':
      return Number.isSafeInteger(value) ? { kind: 'bigint' } : { kind: 'double' };
    case 'string':
      return { kind: 'unknown' };
    default:
      if (value === null) return { kind: 'unknown' };
      return value instanceof Uint8Array ? { kind: 'bytes' } : { kind: 'interval' };
  }
}
