import type { ScalingInput } from '../decision.ts';
import { counterRate, gaugeMean, latest, ofAttempt } from '../rates.ts';
import type { JobSample } from '../sample.ts';
import { isSource, type Parallelism } from '../topology.ts';
import {
  countText,
  type ExplainedTable,
  percentText,
  secondsText,
  tableOf,
  timeText,
} from './explanation.ts';
import type { VertexLabels } from './vertex-labels.ts';

/** What came in and what waits, in words. What was not reported is said to be unknown. */
export function loadWords(input: ScalingInput): string {
  const samples = ofAttempt(input.samples, input.runningSinceMs);
  const sources = input.topology.vertices.filter(({ id }) => isSource(input.topology, id));
  const load = total(sources.map(({ id }) => arriving(samples, id)));
  const lag = total(sources.map(({ id }) => latest(samples, id, (seen) => seen.lagRecords)));
  const arrives = load === undefined ? 'what comes in is unknown' : `${countText(load)}/s come in`;
  return `${arrives}; ${lagWords(lag, load)}; ${secondsText(input.maxLagMs)} of waiting are allowed`;
}

function lagWords(lag: number | undefined, load: number | undefined): string {
  if (lag === undefined) return 'what waits is unknown';
  if (lag === 0) return 'no record waits';
  const age =
    load === undefined || load <= 0 ? '' : `, ${secondsText((1000 * lag) / load)} of load`;
  return `${countText(lag)} records wait${age}`;
}

/** Which samples there were. */
export function sampleWords({ samples, topology, nowMs }: ScalingInput, labels: VertexLabels) {
  const last = samples.at(-1);
  if (last === undefined) return 'no new sample';
  const age = `${samples.length} new, the newest ${secondsText(nowMs - last.timeMs)} old`;
  const silent = topology.vertices.filter(({ id }) => last.vertices[id] === undefined);
  if (silent.length === 0) return age;
  return `${age}; nothing of ${silent.map(({ id }) => labels.of(id)).join(', ')}`;
}

/** Each vertex: what it has and gets, and how it does. */
export function vertexTable(
  { topology, parallelism, samples: all, runningSinceMs }: ScalingInput,
  sizes: { readonly wanted: Parallelism; readonly result: Parallelism },
  labels: VertexLabels,
): ExplainedTable | undefined {
  const samples = ofAttempt(all, runningSinceMs);
  const rows = topology.vertices.map(({ id }) => {
    const now = parallelism[id];
    const wanted = sizes.wanted[id] === sizes.result[id] ? undefined : sizes.wanted[id];
    return [
      labels.of(id),
      now === sizes.result[id] ? `${now}` : `${now} → ${sizes.result[id]}`,
      wanted === undefined ? '' : `${wanted}`,
      countText(rateOf(samples, id)),
      percentText(busyOf(samples, id, now)),
      percentText(gaugeMean(samples, id, (seen) => seen.backpressuredRatio)),
      countText(latest(samples, id, (seen) => seen.lagRecords)),
    ];
  });
  return tableOf('Vertices', vertexColumns, rows);
}

const vertexColumns = [
  'VERTEX',
  'SUBTASKS',
  'WANTED',
  'RECORDS/s',
  'BUSY',
  'HELD UP',
  'RECORDS WAITING',
] as const;

/** Of a source: what it reads and what its backlog grows by. */
function arriving(samples: readonly JobSample[], id: string): number | undefined {
  const rate = rateOf(samples, id);
  if (rate === undefined) return undefined;
  const growth = counterRate(samples, id, (seen) => seen.lagRecords) ?? 0;
  return Math.max(0, rate + growth);
}

/** By its counter, or while there is one sample only by Flink's own rate. */
const rateOf = (samples: readonly JobSample[], id: string): number | undefined =>
  counterRate(samples, id, (seen) => seen.recordsIn) ??
  latest(samples, id, (seen) => seen.recordsInPerSecond);

/** Of all its subtasks by their counter, or of the busiest one. */
function busyOf(samples: readonly JobSample[], id: string, subtasks = 1): number | undefined {
  const busyMs = counterRate(samples, id, (seen) => seen.busyMs);
  if (busyMs !== undefined && busyMs >= 0) return Math.min(1, busyMs / 1000 / subtasks);
  return gaugeMean(samples, id, (seen) => seen.busyRatio);
}

/** Unknown where one of them is. */
function total(values: readonly (number | undefined)[]): number | undefined {
  let sum = 0;
  for (const value of values) {
    if (value === undefined) return undefined;
    sum += value;
  }
  return values.length === 0 ? undefined : sum;
}

export const runningWords = ({ runningSinceMs }: ScalingInput): string =>
  `running since ${timeText(runningSinceMs)}`;
