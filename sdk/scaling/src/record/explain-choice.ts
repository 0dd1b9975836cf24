import type { LoadForecast, ScalingOption } from '../decision.ts';
import { type JobTopology, type Parallelism, sameParallelism } from '../topology.ts';
import {
  countText,
  type ExplainedTable,
  percentText,
  secondsText,
  tableOf,
} from './explanation.ts';

const mostOptions = 8;
/** Points in time at which a forecast is shown. */
const mostTimes = 6;

export function forecastTable(forecast: LoadForecast | undefined): ExplainedTable | undefined {
  if (forecast === undefined) return undefined;
  const { stepMs, quantiles, weights } = forecast;
  const steps = shownSteps(Math.max(0, ...quantiles.map(({ rates }) => rates.length)));
  const models = Object.entries(weights)
    .filter(([, weight]) => weight >= 0.005)
    .sort(([, a], [, b]) => b - a)
    .map(([name, weight]) => `${name} ${percentText(weight)}`);
  const from = models.length === 0 ? '' : `; from ${models.join(', ')}`;
  return tableOf(
    `Forecast, records per second into all sources on the mean until then${from}`,
    ['QUANTILE', ...steps.map((step) => aheadText((step + 1) * stepMs))],
    quantiles.map(({ quantile, rates }) => [
      `q${Math.round(100 * quantile)}`,
      ...steps.map((step) => countText(rates[step])),
    ]),
  );
}

/** Evenly over the time that is looked ahead, the first and the last included. */
function shownSteps(count: number): readonly number[] {
  const last = count - 1;
  const times = Math.min(mostTimes, count);
  const at = (i: number) => (times === 1 ? 0 : Math.round((i * last) / (times - 1)));
  return Array.from({ length: times }, (_, i) => at(i));
}

const aheadText = (ms: number): string =>
  ms < 60_000 ? `+${ms / 1000} s` : `+${Number((ms / 60_000).toFixed(1))} MIN`;

/** The chosen one, then the cheapest others. */
export function optionTable(
  options: readonly ScalingOption[],
  topology: JobTopology,
  current: Parallelism,
): ExplainedTable | undefined {
  const totalOf = ({ cost }: ScalingOption) =>
    cost === undefined ? Infinity : cost.slots + cost.rescale + cost.lag;
  const rank = (option: ScalingOption) => (option.chosen ? -Infinity : totalOf(option));
  const sorted = [...options].sort((a, b) => compare(rank(a), rank(b)));
  const more = options.length - mostOptions;
  const isWeighed = options.some(({ cost }) => cost !== undefined);
  const title = [
    'Options',
    ...(isWeighed ? ['costs in slot-hours over the time looked ahead'] : []),
    ...(topology.vertices.length > 1 ? ['subtasks in the order of the vertices above'] : []),
    ...(more > 0 ? [`${more} more, which cost more`] : []),
  ].join('; ');
  const rows = sorted
    .slice(0, mostOptions)
    .map((option) => [
      option.chosen ? 'chosen' : (option.rejected ?? 'rejected'),
      `${option.slots}`,
      topology.vertices.map(({ id }) => option.parallelism[id] ?? '?').join('/'),
      sameParallelism(option.parallelism, current) ? 'as it is' : '',
      ...costCells(option),
      secondsText(option.maxLagMs),
    ]);
  return tableOf(title, optionColumns, rows);
}

const optionColumns = [
  '',
  'SLOTS',
  'SUBTASKS',
  'NOW',
  'TO RUN',
  'TO CHANGE',
  'FOR WAITING',
  'TOGETHER',
  'LONGEST WAIT',
] as const;

function costCells({ cost }: ScalingOption): readonly string[] {
  if (cost === undefined) return ['', '', '', ''];
  const { slots, rescale, lag } = cost;
  return [slots, rescale, lag, slots + rescale + lag].map(hoursText);
}

const hoursText = (hours: number): string => hours.toFixed(2);

const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);
