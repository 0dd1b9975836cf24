import type { ScalingOption } from '../decision.ts';
import { type Parallelism, sameParallelism, slotsOf } from '../topology.ts';
import type { DecisionRecord } from './decision-record.ts';

const mostOptions = 8;

/** A decision as a person reads it, one line for each fact; the first says what was done. */
export function explain(record: DecisionRecord): readonly string[] {
  const { job, input, strategy, result } = record;
  return [
    `${timeOf(input.nowMs)} ${job}: ${actionWords(record)}`,
    `  now: ${slotsOf(input.topology, input.parallelism)} slots (${sizeWords(input.parallelism)}), running since ${timeOf(input.runningSinceMs)}`,
    `  seen: ${metricWords(record)}`,
    `  strategy: ${strategy.name} ${strategy.version}`,
    ...outcomeLines(record),
    ...result.effects.map(({ code, message }) => `  limit: ${message} (${code})`),
    ...vetoLines(record),
  ];
}

function actionWords({ input, outcome, result }: DecisionRecord): string {
  const { action } = result;
  if (action.kind === 'hold') {
    const wanted = outcome.kind === 'decided' && outcome.decision.action.kind === 'rescale';
    const held = result.effects.findLast(({ kind }) => kind === 'held');
    if (held !== undefined) return `a change is held back (${held.code})`;
    return wanted ? 'stays as it is, all limits considered' : 'stays as it is';
  }
  const from = slotsOf(input.topology, input.parallelism);
  const to = slotsOf(input.topology, action.parallelism);
  return `from ${from} to ${to} slots (${changeWords(input.parallelism, action.parallelism)})`;
}

function outcomeLines({ outcome, input }: DecisionRecord): readonly string[] {
  if (outcome.kind !== 'decided') {
    return [`  no answer: ${outcome.message} (${outcome.code})`];
  }
  const { action, reasons, forecast, options } = outcome.decision;
  const wish =
    action.kind === 'hold'
      ? 'to stay as it is'
      : `${slotsOf(input.topology, action.parallelism)} slots (${changeWords(input.parallelism, action.parallelism)})`;
  return [
    `  wanted: ${wish}`,
    ...reasons.map(({ code, message, vertex }) =>
      vertex === undefined
        ? `  because: ${message} (${code})`
        : `  because of ${vertex}: ${message} (${code})`,
    ),
    ...(forecast === undefined ? [] : [`  forecast: ${forecastWords(forecast)}`]),
    ...optionLines(options, input.parallelism),
  ];
}

function forecastWords({
  stepMs,
  quantiles,
  weights,
}: NonNullable<Extract<DecisionRecord['outcome'], { kind: 'decided' }>['decision']['forecast']>) {
  const minutes = (steps: number) => Math.round((stepMs * steps) / 60_000);
  const bands = quantiles.map(({ quantile, rates }) => {
    const [first = Number.NaN, last = Number.NaN] = [rates[0], rates.at(-1)];
    return `q${(100 * quantile).toFixed(0)} ${rate(first)} now, ${rate(last)} in ${minutes(rates.length - 1)} min`;
  });
  const models = Object.entries(weights)
    .sort(([, a], [, b]) => b - a)
    .map(([name, weight]) => `${name} ${(100 * weight).toFixed(0)} %`);
  return [...bands, ...(models.length === 0 ? [] : [`from ${models.join(', ')}`])].join('; ');
}

/** The chosen one, then the cheapest others. */
function optionLines(options: readonly ScalingOption[], current: Parallelism): readonly string[] {
  const totalOf = ({ cost }: ScalingOption) =>
    cost === undefined ? Infinity : cost.slots + cost.rescale + cost.lag;
  const rank = (option: ScalingOption) => (option.chosen ? -Infinity : totalOf(option));
  const sorted = [...options].sort((a, b) => compare(rank(a), rank(b)));
  const lines = sorted.slice(0, mostOptions).map((option) => optionLine(option, current));
  const more = options.length - mostOptions;
  return more > 0 ? [...lines, `  and ${more} other sizes, which cost more`] : lines;
}

const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);

function optionLine(option: ScalingOption, current: Parallelism): string {
  const { slots, parallelism, cost, maxLagMs, chosen, rejected } = option;
  const size = sameParallelism(parallelism, current) ? 'as it is' : sizeWords(parallelism);
  const parts = [
    `${slots} slots (${size})`,
    ...(cost === undefined
      ? []
      : [
          `costs ${(cost.slots + cost.rescale + cost.lag).toFixed(2)} slot-hours: ${cost.slots.toFixed(2)} to run, ${cost.rescale.toFixed(2)} to change, ${cost.lag.toFixed(2)} for records that wait`,
        ]),
    ...(maxLagMs === undefined ? [] : [`longest wait ${(maxLagMs / 1000).toFixed(0)} s`]),
    ...(rejected === undefined ? [] : [rejected]),
  ];
  return `  ${chosen ? 'chosen' : 'option'}: ${parts.join('; ')}`;
}

function vetoLines({ vetoes }: DecisionRecord): readonly string[] {
  const allowed = vetoes.filter(({ answer }) => 'allowed' in answer && answer.allowed);
  if (allowed.length === 0) return [];
  return [`  allowed by: ${allowed.map(({ veto }) => veto).join(', ')}`];
}

function metricWords({ input }: DecisionRecord): string {
  const { samples, topology, nowMs, freeSlots, rescales, maxLagMs } = input;
  const last = samples.at(-1);
  const silent = topology.vertices.filter(({ id }) => last?.vertices[id] === undefined);
  const age = last && `the newest ${((nowMs - last.timeMs) / 1000).toFixed(0)} s old`;
  const parts = [
    last === undefined ? 'no new sample' : `${samples.length} new samples, ${age}`,
    ...(last === undefined || silent.length === 0
      ? []
      : [`nothing of ${silent.map(({ id }) => id).join(', ')}`]),
    `records may wait ${maxLagMs / 1000} s`,
    ...(freeSlots === undefined ? [] : [`${freeSlots} more slots could be had`]),
    `${rescales.length} rescales remembered`,
  ];
  return parts.join('; ');
}

const sizeWords = (size: Parallelism): string =>
  Object.entries(size)
    .map(([id, subtasks]) => `${id} ${subtasks}`)
    .join(', ');

function changeWords(from: Parallelism, to: Parallelism): string {
  const changed = Object.entries(to).filter(([id, subtasks]) => from[id] !== subtasks);
  if (changed.length === 0) return 'as it is';
  return changed.map(([id, subtasks]) => `${id} ${from[id] ?? 0} → ${subtasks}`).join(', ');
}

const rate = (perSecond: number): string => `${perSecond.toFixed(0)}/s`;

function timeOf(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? `${timeMs} ms` : `${date.toISOString().slice(0, 19)}Z`;
}
