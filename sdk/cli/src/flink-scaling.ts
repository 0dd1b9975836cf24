import { durationFromProto, durationToProto } from '@tessera/client';
import {
  type FlinkScalingWish,
  type MaintenanceWindowWish,
  type PluginOptions,
  parseTimeSpan,
  printTimeSpan,
} from '@tessera/cube';
import { type Duration, flink } from '@tessera/proto';
import { inPlaceLimits } from '@tessera/scaling';

/** How a job of Flink is kept the right size: between YAML and the wire. */

type Bounds = NonNullable<FlinkScalingWish['bounds']>;
type Rollback = NonNullable<FlinkScalingWish['rollback']>;

export function scalingToProto(wish: FlinkScalingWish): flink.FlinkScaling {
  const { bounds, rollback, windows = [], vetoes = [] } = wish;
  return {
    paused: wish.paused ?? false,
    strategy: wish.strategy ?? '',
    options: optionsToProto(wish.options),
    maxLag: spanToProto(wish.maxLag),
    bounds: bounds && flink.ScalingBounds.fromPartial(bounds),
    cooldownBeforeUp: spanToProto(wish.cooldownBeforeUp),
    cooldownBeforeDown: spanToProto(wish.cooldownBeforeDown),
    windows: windows.map(({ days = [], timeZone = 'UTC', ...rest }) => {
      return { ...rest, timeZone, days: [...days] };
    }),
    rollback: rollback && rollbackToProto(rollback),
    vetoes: vetoes.map(({ veto, options }) => ({ veto, options: optionsToProto(options) })),
    priority: wish.priority ?? 0,
  };
}

export function scalingFromProto(scaling: flink.FlinkScaling): FlinkScalingWish {
  const { strategy, bounds, windows, rollback, vetoes, priority } = scaling;
  return {
    ...(scaling.paused && { paused: true }),
    ...(strategy !== '' && { strategy }),
    ...optionsFromProto(scaling.options),
    ...spanFromProto('maxLag', scaling.maxLag),
    ...(priority !== 0 && { priority }),
    ...(bounds && { bounds: boundsFromProto(bounds) }),
    ...spanFromProto('cooldownBeforeUp', scaling.cooldownBeforeUp),
    ...spanFromProto('cooldownBeforeDown', scaling.cooldownBeforeDown),
    ...(windows.length > 0 && { windows: windows.map(windowFromProto) }),
    ...(rollback && { rollback: rollbackFromProto(rollback) }),
    ...(vetoes.length > 0 && {
      vetoes: vetoes.map(({ veto, options }) => ({ veto, ...optionsFromProto(options) })),
    }),
  };
}

function boundsFromProto({ vertices, ...bounds }: flink.ScalingBounds): Bounds {
  const each = Object.entries(vertices).map(([id, range]) => [id, said(range)] as const);
  return { ...said(bounds), ...(each.length > 0 && { vertices: Object.fromEntries(each) }) };
}

/** The wire has all of it, or nothing. */
function rollbackToProto(wish: Rollback): flink.RollbackRules {
  const { rollback: usual } = inPlaceLimits;
  const { enabled = usual.enabled, tolerance = usual.tolerance } = wish;
  return {
    ...{ enabled, tolerance },
    stabilizationMs: millisecondsOf(wish.stabilization) ?? usual.stabilizationMs,
    windowMs: millisecondsOf(wish.window) ?? usual.windowMs,
    avoidMs: millisecondsOf(wish.avoid) ?? usual.avoidMs,
  };
}

function rollbackFromProto(rules: flink.RollbackRules): Rollback {
  const { rollback: usual } = inPlaceLimits;
  const { enabled, stabilizationMs, windowMs, tolerance, avoidMs } = rules;
  return {
    ...(enabled !== usual.enabled && { enabled }),
    ...(stabilizationMs !== usual.stabilizationMs && {
      stabilization: printTimeSpan(stabilizationMs),
    }),
    ...(windowMs !== usual.windowMs && { window: printTimeSpan(windowMs) }),
    ...(tolerance !== usual.tolerance && { tolerance }),
    ...(avoidMs !== usual.avoidMs && { avoid: printTimeSpan(avoidMs) }),
  };
}

function windowFromProto(window: flink.MaintenanceWindow): MaintenanceWindowWish {
  const { name, rule, timeZone, days, from, to } = window;
  // Metadata takes no other words.
  return {
    ...{ name, rule: rule as MaintenanceWindowWish['rule'] },
    ...(timeZone !== 'UTC' && { timeZone }),
    ...(days.length > 0 && { days: days as NonNullable<MaintenanceWindowWish['days']> }),
    ...{ from, to },
  };
}

function optionsToProto(options: PluginOptions = {}): string {
  return Object.keys(options).length === 0 ? '' : JSON.stringify(options);
}

/** Metadata has seen to it that they are an object. */
function optionsFromProto(options: string): { readonly options?: PluginOptions } {
  const read: PluginOptions = options === '' ? {} : JSON.parse(options);
  return Object.keys(read).length === 0 ? {} : { options: read };
}

function spanToProto(span: string | undefined): Duration | undefined {
  const ms = millisecondsOf(span);
  return ms === undefined ? undefined : durationToProto(ms);
}

function spanFromProto<Field extends string>(
  field: Field,
  span: Duration | undefined,
): { readonly [F in Field]?: string } {
  const ms = durationFromProto(span);
  return ms === undefined ? {} : ({ [field]: printTimeSpan(ms) } as { [F in Field]: string });
}

function millisecondsOf(span: string | undefined): number | undefined {
  return span === undefined ? undefined : parseTimeSpan(span);
}

/** Without what was not said. */
function said<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
