import {
  type CapacityObservation,
  counterRate,
  effectiveSubtasks,
  fitCapacity,
  gaugeMean,
  type JobSample,
  type JobTopology,
  type JobVertex,
  latest,
  type ObservedFlow,
  type Parallelism,
  unitsOf,
} from '@tessera/scaling';
import type { LearnedVertex } from './learned.ts';

const rowLimit = 32;
const busyBands = 6;
/** Minutes that a row remembers. */
const rowMemory = 30;
/** In paces, as all of these. */
const refitPaces = 15;
/** What tasks report soon after they were started is about a backlog. */
const settledPaces = 3;
/** Minutes after which the flow ratios of before count little. */
const ratioMemory = 4;

const unknown: LearnedVertex = {
  ratio: -1,
  rows: [],
  external: [],
  capacity: [],
  fittedMs: Number.MIN_SAFE_INTEGER,
};

export interface Minute {
  readonly topology: JobTopology;
  readonly parallelism: Parallelism;
  readonly samples: readonly JobSample[];
  readonly flow: ObservedFlow;
  readonly nowMs: number;
  readonly paceMs: number;
}

/** What one more minute of samples teaches about each vertex. */
export function learnVertices(
  minute: Minute,
  learned: Readonly<Record<string, LearnedVertex>>,
): Readonly<Record<string, LearnedVertex>> {
  return Object.fromEntries(
    minute.topology.vertices.map((vertex) => [
      vertex.id,
      learnVertex(vertex, minute, learned[vertex.id] ?? unknown),
    ]),
  );
}

function learnVertex(vertex: JobVertex, minute: Minute, before: LearnedVertex): LearnedVertex {
  const { samples, flow, parallelism, nowMs } = minute;
  const { id } = vertex;
  const p = parallelism[id]!;
  const rate = counterRate(samples, id, (each) => each.recordsIn);
  const busy = gaugeMean(samples, id, (each) => each.busyRatio);
  const now = flow.perSourceRecord.get(id)!;
  const ratio = before.ratio < 0 ? now : before.ratio + (now - before.ratio) / ratioMemory;
  if (rate === undefined || rate === 0 || busy === undefined || busy < 0.05) {
    return { ...before, ratio };
  }
  const hotShare = hotShareOf(
    vertex,
    p,
    latest(samples, id, (each) => each.largestShare),
  );
  const effective = usefulSubtasks(vertex, p, hotShare);
  const believed = notRefuted(before.external, p, rate);
  const external = isHeldUpBy(id, minute) ? withExternal(believed, p, rate) : believed;
  const rows = withRow(before.rows, { parallelism: p, effective, rate, busy, weight: 1 });
  const { hotShare: _, ...rest } = before;
  const next = { ...rest, ratio, rows, external, ...(hotShare !== undefined && { hotShare }) };
  const isNew =
    rows.length !== before.rows.length ||
    external !== before.external ||
    hotShare !== before.hotShare;
  if (!isNew && nowMs < before.fittedMs + refitPaces * minute.paceMs) return next;
  return { ...next, capacity: capacityOf(vertex, next), fittedMs: nowMs };
}

/**
 * Something upstream is held up all the time, this is the first vertex behind it that is not, and nobody is busy enough to
 * be why: it waits for something outside.
 */
function isHeldUpBy(id: string, { topology, samples, nowMs, paceMs }: Minute): boolean {
  if (nowMs < samples[0]!.runningSinceMs + settledPaces * paceMs) return false;
  const inputs = topology.edges.filter(({ to }) => to === id);
  const saying = samples.filter(({ vertices }) => {
    const blocked = (vertex: string) => vertices[vertex]?.backpressuredRatio ?? 0;
    const isBusy = Object.values(vertices).some(({ busyRatio = 0 }) => busyRatio > 0.8);
    return !isBusy && blocked(id) < 0.1 && inputs.some(({ from }) => blocked(from) > 0.25);
  });
  return saying.length >= 0.8 * samples.length;
}

/** The fullest subtask's share where one key makes it so, rather than key groups that do not divide. */
function hotShareOf(vertex: JobVertex, parallelism: number, share: number | undefined) {
  if (share === undefined) return undefined;
  const even = 1 / effectiveSubtasks(parallelism, unitsOf(vertex));
  return share > even * 1.1 ? share : undefined;
}

function usefulSubtasks(
  vertex: JobVertex,
  parallelism: number,
  hotShare: number | undefined,
): number {
  const even = effectiveSubtasks(parallelism, unitsOf(vertex));
  return hotShare === undefined ? even : Math.min(even, 1 / hotShare);
}

/** Rows are means over minutes at one parallelism and one band of business. */
function withRow(
  rows: readonly CapacityObservation[],
  seen: CapacityObservation,
): readonly CapacityObservation[] {
  const band = ({ busy }: CapacityObservation) =>
    Math.min(busyBands - 1, Math.floor(busy * busyBands));
  const at = rows.findIndex(
    (row) => row.parallelism === seen.parallelism && band(row) === band(seen),
  );
  if (at < 0) return [...rows, seen].slice(-rowLimit);
  const row = rows[at]!;
  const weight = Math.min(rowMemory, row.weight + 1);
  const towards = (before: number, now: number) => before + (now - before) / weight;
  const merged = {
    parallelism: row.parallelism,
    effective: seen.effective,
    rate: towards(row.rate, seen.rate),
    busy: towards(row.busy, seen.busy),
    weight,
  };
  return [...rows.slice(0, at), ...rows.slice(at + 1), merged];
}

/** What was seen of the outside, unless it takes more: then what of it, by itself, would let that through. */
function notRefuted(
  external: LearnedVertex['external'],
  parallelism: number,
  rate: number,
): LearnedVertex['external'] {
  const allows = (seen: LearnedVertex['external']) =>
    rate <= 1.15 * externalCapacity({ external: seen }, parallelism);
  return allows(external) ? external : external.filter((each) => allows([each])).slice(-1);
}

function withExternal(
  external: LearnedVertex['external'],
  parallelism: number,
  rate: number,
): LearnedVertex['external'] {
  const before = external.find((each) => each.parallelism === parallelism);
  if (before !== undefined && Math.abs(rate / before.rate - 1) < 0.05) return external;
  const others = external.filter((each) => each.parallelism !== parallelism);
  const mean = before === undefined ? rate : before.rate + (rate - before.rate) / 4;
  return [...others, { parallelism, rate: mean }].slice(-8);
}

function capacityOf(vertex: JobVertex, learned: LearnedVertex): readonly number[] {
  const curve = fitCapacity(learned.rows);
  if (curve === undefined) return [];
  const most = vertex.maxParallelism;
  return Array.from({ length: most }, (_, i) => {
    const effective = usefulSubtasks(vertex, i + 1, learned.hotShare);
    return Math.min(curve.at(i + 1, effective).cautious, externalCapacity(learned, i + 1));
  });
}

/**
 * What the outside lets through: in proportion to the subtasks as long as it was seen at one parallelism only, and along
 * the line through the widest two after that, which is level where more subtasks gave next to nothing.
 */
function externalCapacity(
  { external }: Pick<LearnedVertex, 'external'>,
  parallelism: number,
): number {
  if (external.length === 0) return Infinity;
  const seen = [...external].sort((a, b) => a.parallelism - b.parallelism);
  const widest = seen.at(-1)!;
  const before = seen.at(-2);
  if (parallelism <= widest.parallelism) {
    const enough = seen.find((each) => each.parallelism >= parallelism)!;
    return (enough.rate * parallelism) / enough.parallelism;
  }
  const proportional = widest.rate / widest.parallelism;
  const more = parallelism - widest.parallelism;
  if (before === undefined) return widest.rate + proportional * more;
  const slope = (widest.rate - before.rate) / (widest.parallelism - before.parallelism);
  return widest.rate + (slope < 0.3 * proportional ? 0 : slope) * more;
}
