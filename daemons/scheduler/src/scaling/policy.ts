import { durationFromProto } from '@tessera/client';
import type { PluginEntry } from '@tessera/daemon';
import type { flink } from '@tessera/proto';
import { inPlaceLimits, type ScalingLimits, weekDays } from '@tessera/scaling';

/** How a job is kept the right size, as its spec says, with what it leaves out filled in. */
export interface ScalingPolicy {
  readonly paused: boolean;
  readonly strategy: PluginEntry<'strategy'>;
  readonly vetoes: readonly PluginEntry<'veto'>[];
  readonly maxLagMs: number;
  readonly limits: ScalingLimits;
  readonly priority: number;
}

export const defaultStrategy = '@tessera/strategy-forecast';
const defaultMaxLagMs = 60_000;

/** @param baseDirectory where packages are looked up */
export function policyOf(scaling: flink.FlinkScaling, baseDirectory: string): ScalingPolicy {
  const { paused, strategy, options, maxLag, vetoes, priority } = scaling;
  const use = strategy === '' ? defaultStrategy : strategy;
  return {
    paused,
    strategy: { kind: 'strategy', name: use, use, config: configOf(options), baseDirectory },
    vetoes: vetoes.map(({ veto, options: own }) => ({
      ...({ kind: 'veto', name: veto, use: veto } as const),
      ...{ config: configOf(own), baseDirectory },
    })),
    maxLagMs: durationFromProto(maxLag) ?? defaultMaxLagMs,
    limits: limitsOf(scaling),
    priority,
  };
}

/** Metadata has seen to it that it is an object. */
const configOf = (options: string): unknown => (options === '' ? {} : JSON.parse(options));

function limitsOf(scaling: flink.FlinkScaling): ScalingLimits {
  const { bounds, cooldownBeforeUp, cooldownBeforeDown, windows, rollback } = scaling;
  const { cooldown, rollback: usual } = inPlaceLimits;
  return {
    bounds: bounds === undefined ? {} : boundsOf(bounds),
    cooldown: {
      beforeUpMs: durationFromProto(cooldownBeforeUp) ?? cooldown.beforeUpMs,
      beforeDownMs: durationFromProto(cooldownBeforeDown) ?? cooldown.beforeDownMs,
    },
    windows: windows.flatMap(windowOf),
    rollback: rollback ?? usual,
  };
}

function boundsOf({ vertices, ...bounds }: flink.ScalingBounds): ScalingLimits['bounds'] {
  const own = Object.entries(vertices).map(([id, range]) => [id, known(range)] as const);
  return { ...known(bounds), ...(own.length > 0 && { vertices: Object.fromEntries(own) }) };
}

type Known<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what was not said. */
function known<T extends object>(fields: T): Known<T> {
  const said = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said) as Known<T>;
}

const rules = ['freeze', 'noScaleDown', 'only'] as const;

function windowOf({ rule: word, days, ...window }: flink.MaintenanceWindow) {
  const rule = rules.find((one) => one === word);
  if (rule === undefined) return []; // Metadata refuses such.
  const on = days.flatMap((day) => weekDays.find((one) => one === day) ?? []);
  return [{ ...window, rule, ...(on.length > 0 && { days: on }) }];
}
