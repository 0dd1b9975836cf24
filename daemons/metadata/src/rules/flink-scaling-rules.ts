import { durationFromProto } from '@tessera/client';
import type { Duration, flink } from '@tessera/proto';
import { weekDays, windowFault } from '@tessera/scaling';
import { notFound } from '../errors.ts';
import type { Commit } from '../resources/commit.ts';
import { flinkJobKind, flinkJobScalingKind } from '../resources/kinds.ts';
import { idsOf, keyOf, selectBelow } from '../resources/resource-key.ts';
import type { Resource, ResourceKind } from '../resources/resource-kind.ts';
import type { ResourceRules } from '../resources/resource-table.ts';
import type { FlinkFaults } from './flink-faults.ts';

const bounds = { windows: 100, vetoes: 10, vertices: 1_000, optionsCharacters: 100_000 } as const;
const subtasks = { from: 1, to: 32_768 } as const;

/** What is kept of a job is written while the job is there, and goes with it. */
export function ofJobRules<T extends Resource>(kind: ResourceKind<T>): ResourceRules<T> {
  return {
    onWrite: async ({ after }, commit) => {
      const [id] = idsOf(kind.pattern, after.name);
      const job = flinkJobKind.pattern.replace(/\{.*\}/, id!);
      commit.requirePresent(keyOf(flinkJobKind.pattern, job), () => notFound('flink_job', job));
      return after;
    },
  };
}

/** Of a job that is deleted. */
export function forgetScaling(commit: Commit, job: string): void {
  const ids = idsOf(flinkJobKind.pattern, job);
  commit.delete(keyOf(flinkJobScalingKind.pattern, `flink-job-scalings/${ids[0]}`));
  const { start, end } = selectBelow('scaling-decisions', ids);
  commit.deletePrefix(start, end!);
}

/** What can be said without the strategy: whether its own options are right is known once it is loaded. */
export function checkScaling(faults: FlinkFaults, scaling: flink.FlinkScaling): void {
  if (scaling.strategy !== '') checkPackage(faults, 'scaling.strategy', scaling.strategy);
  checkOptions(faults, 'scaling.options', scaling.options);
  checkTime(faults, 'scaling.max_lag', scaling.maxLag, 1_000);
  checkTime(faults, 'scaling.cooldown_before_up', scaling.cooldownBeforeUp, 0);
  checkTime(faults, 'scaling.cooldown_before_down', scaling.cooldownBeforeDown, 0);
  if (scaling.bounds !== undefined) checkBounds(faults, scaling.bounds);
  checkWindows(faults, scaling.windows);
  if (scaling.rollback !== undefined) checkRollback(faults, scaling.rollback);
  if (scaling.vetoes.length > bounds.vetoes) {
    faults.add('scaling.vetoes', `may be ${bounds.vetoes} at most.`);
  }
  for (const [i, { veto, options }] of scaling.vetoes.entries()) {
    checkPackage(faults, `scaling.vetoes[${i}].veto`, veto);
    checkOptions(faults, `scaling.vetoes[${i}].options`, options);
  }
}

function checkPackage(faults: FlinkFaults, field: string, name: string): void {
  if (/^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/.test(name)) return;
  const what = 'must be the name of a package, such as @tessera/strategy-forecast.';
  faults.addWithReason('FLINK_SCALING_PACKAGE_INVALID', field, what);
}

function checkOptions(faults: FlinkFaults, field: string, options: string): void {
  if (options === '') return;
  const reason = 'FLINK_SCALING_OPTIONS_INVALID';
  if (options.length > bounds.optionsCharacters) {
    const most = `may have ${bounds.optionsCharacters} characters at most.`;
    faults.addWithReason(reason, field, most);
  } else if (!isJsonObject(options)) {
    faults.addWithReason(reason, field, 'must be an object of JSON.');
  }
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function checkTime(
  faults: FlinkFaults,
  field: string,
  time: Duration | undefined,
  leastMs: number,
) {
  const timeMs = durationFromProto(time);
  if (timeMs === undefined) return;
  if (timeMs >= leastMs && timeMs <= dayMs) return;
  const what = `is ${timeMs / 1_000} s; it must be ${leastMs / 1_000} to ${dayMs / 1_000} s.`;
  faults.addWithReason('FLINK_SCALING_TIME_INVALID', field, what);
}

const dayMs = 86_400_000;

function checkBounds(faults: FlinkFaults, given: flink.ScalingBounds): void {
  const { minParallelism, maxParallelism, maxSlots, vertices } = given;
  const refuse = (field: string, what: string) => {
    faults.addWithReason('FLINK_SCALING_BOUNDS_INVALID', `scaling.bounds.${field}`, what);
  };
  const check = (field: string, count: number | undefined) => {
    if (count === undefined) return;
    const isCount = Number.isInteger(count) && count >= subtasks.from && count <= subtasks.to;
    if (isCount) return;
    refuse(field, `is ${count}; it must be a whole number, ${subtasks.from} to ${subtasks.to}.`);
  };
  check('min_parallelism', minParallelism);
  check('max_parallelism', maxParallelism);
  check('max_slots', maxSlots);
  if (isUpsideDown(minParallelism, maxParallelism)) {
    refuse(
      'min_parallelism',
      `is ${minParallelism}, more than max_parallelism: ${maxParallelism}.`,
    );
  }
  if (isUpsideDown(minParallelism, maxSlots)) {
    refuse('min_parallelism', `is ${minParallelism}, more than max_slots: ${maxSlots}.`);
  }
  const ranges = Object.entries(vertices);
  if (ranges.length > bounds.vertices) refuse('vertices', `may be ${bounds.vertices} at most.`);
  for (const [id, { min, max }] of ranges) {
    check(`vertices.${id}.min`, min);
    check(`vertices.${id}.max`, max);
    if (isUpsideDown(min, max)) refuse(`vertices.${id}.min`, `is ${min}, more than max: ${max}.`);
  }
}

function isUpsideDown(least = 0, most = Number.POSITIVE_INFINITY): boolean {
  return least > most;
}

const rules = ['freeze', 'noScaleDown', 'only'] as const;

function checkWindows(faults: FlinkFaults, windows: readonly flink.MaintenanceWindow[]): void {
  const refuse = (field: string, what: string) => {
    faults.addWithReason('FLINK_SCALING_WINDOW_INVALID', field, what);
  };
  if (windows.length > bounds.windows) {
    refuse('scaling.windows', `may be ${bounds.windows} at most.`);
  }
  for (const [i, { days, rule: word, ...window }] of windows.entries()) {
    const field = `scaling.windows[${i}]`;
    const rule = rules.find((each) => each === word);
    const known = days.flatMap((day) => weekDays.find((each) => each === day) ?? []);
    if (rule === undefined) refuse(`${field}.rule`, `must be one of ${rules.join(', ')}.`);
    if (known.length < days.length) {
      refuse(`${field}.days`, `must be of ${weekDays.join(', ')}.`);
    }
    if (rule === undefined) continue;
    const fault = windowFault({ ...window, rule, ...(known.length > 0 && { days: known }) });
    if (fault !== undefined) refuse(field, `is wrong: ${fault}.`);
  }
}

function checkRollback(faults: FlinkFaults, rollback: flink.RollbackRules): void {
  const refuse = (field: string, what: string) => {
    faults.addWithReason('FLINK_SCALING_ROLLBACK_INVALID', `scaling.rollback.${field}`, what);
  };
  const { stabilizationMs, windowMs, tolerance, avoidMs } = rollback;
  for (const [name, ms] of Object.entries({ stabilizationMs, windowMs, avoidMs })) {
    if (ms >= 0 && ms <= dayMs) continue;
    refuse(name.replace('Ms', '_ms'), `is ${ms}; it must be 0 to ${dayMs}.`);
  }
  if (!(tolerance >= 0 && tolerance <= 1)) {
    refuse('tolerance', `is ${tolerance}; it must be 0 to 1.`);
  }
}
