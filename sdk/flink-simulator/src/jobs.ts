import type { ShipStrategy } from '@tessera/scaling';
import type { HostPhysics, RescalePhysics, SimulatedJob, SimulatedVertex } from './job.ts';

const restart: RescalePhysics = {
  fixedSeconds: 40,
  stateBytes: 2e9,
  writeBytesPerSecond: 200e6,
  readBytesPerSecond: 50e6,
  provisionSeconds: 0,
  failChance: 0.01,
  checkpointSeconds: 60,
  inPlace: false,
};

const hosts: HostPhysics = {
  slots: 4,
  cores: 4,
  speeds: [1, 1.05, 0.95, 1.02, 0.97, 1, 0.93, 1.06],
  contention: 0.4,
};

type VertexOf = Partial<SimulatedVertex> & Pick<SimulatedVertex, 'id' | 'recordsPerSecond'>;

const vertex = (given: VertexOf): SimulatedVertex => ({
  slotSharingGroup: 'default',
  minParallelism: 1,
  maxParallelism: 96,
  sigma: 0.012,
  kappa: 0,
  busyBias: 0,
  ...given,
});

const keyed = (given: VertexOf): SimulatedVertex => vertex({ keyGroups: 128, ...given });

const edge = (from: string, to: string, ship: ShipStrategy, selectivity = 1) => ({
  from,
  to,
  ship,
  selectivity,
});

const job = (
  name: string,
  vertices: readonly SimulatedVertex[],
  edges: SimulatedJob['edges'],
  rescale: Partial<RescalePhysics> = {},
): SimulatedJob => ({ name, vertices, edges, rescale: { ...restart, ...rescale }, hosts });

/** Source, map, keyed aggregate, sink: what most traces run on. About 12 slots at load 1. */
export const pipeline = job(
  'pipeline',
  [
    vertex({ id: 'source', nominalRate: 100_000, recordsPerSecond: 60_000, partitions: 96 }),
    vertex({ id: 'map', recordsPerSecond: 40_000 }),
    keyed({ id: 'aggregate', recordsPerSecond: 10_000 }),
    vertex({ id: 'sink', recordsPerSecond: 20_000 }),
  ],
  [
    edge('source', 'map', 'forward'),
    edge('map', 'aggregate', 'hash'),
    edge('aggregate', 'sink', 'rebalance', 0.2),
  ],
);

/** The same, rescaled in place in 20 s. */
export const pipelineInPlace: SimulatedJob = {
  ...pipeline,
  name: 'pipeline-in-place',
  rescale: { ...restart, inPlace: true, fixedSeconds: 15, stateBytes: 250e6 },
};

/** NEXMark Q1: a currency conversion, every record by itself. */
export const q1 = job(
  'q1',
  [
    vertex({
      id: 'bids',
      slotSharingGroup: 'source',
      nominalRate: 4e6,
      recordsPerSecond: 1.2e6,
      partitions: 96,
    }),
    vertex({ id: 'map', slotSharingGroup: 'map', recordsPerSecond: 497_000, sigma: 0.0325 }),
    vertex({ id: 'sink', slotSharingGroup: 'sink', recordsPerSecond: 1.5e6 }),
  ],
  [edge('bids', 'map', 'rebalance'), edge('map', 'sink', 'rebalance')],
);

/** NEXMark Q3: two sources, filtered, joined incrementally. */
export const q3 = job(
  'q3',
  [
    vertex({
      id: 'auctions',
      slotSharingGroup: 'source',
      nominalRate: 500_000,
      recordsPerSecond: 200_000,
      partitions: 64,
    }),
    vertex({
      id: 'persons',
      slotSharingGroup: 'source',
      nominalRate: 100_000,
      recordsPerSecond: 150_000,
      partitions: 64,
    }),
    vertex({ id: 'filter', slotSharingGroup: 'source', recordsPerSecond: 250_000 }),
    keyed({ id: 'join', slotSharingGroup: 'join', recordsPerSecond: 18_000, sigma: 0.01 }),
    vertex({ id: 'sink', slotSharingGroup: 'join', recordsPerSecond: 100_000 }),
  ],
  [
    edge('auctions', 'filter', 'forward'),
    edge('filter', 'join', 'hash', 0.3),
    edge('persons', 'join', 'hash', 0.5),
    edge('join', 'sink', 'forward', 0.3),
  ],
);

/** NEXMark Q5: a sliding window that speaks once a minute. */
export const q5 = job(
  'q5',
  [
    vertex({
      id: 'bids',
      slotSharingGroup: 'source',
      nominalRate: 80_000,
      recordsPerSecond: 60_000,
      partitions: 48,
    }),
    keyed({ id: 'window', slotSharingGroup: 'window', recordsPerSecond: 7_000, windowSeconds: 60 }),
    keyed({ id: 'top', slotSharingGroup: 'top', recordsPerSecond: 20_000 }),
  ],
  [edge('bids', 'window', 'hash'), edge('window', 'top', 'hash', 0.1)],
);

/** NEXMark Q11: session windows over all bids of a bidder. */
export const q11 = job(
  'q11',
  [
    vertex({
      id: 'bids',
      slotSharingGroup: 'source',
      nominalRate: 1e6,
      recordsPerSecond: 400_000,
      partitions: 96,
    }),
    keyed({ id: 'session', slotSharingGroup: 'session', recordsPerSecond: 52_000, sigma: 0.015 }),
    vertex({ id: 'sink', slotSharingGroup: 'sink', recordsPerSecond: 300_000 }),
  ],
  [edge('bids', 'session', 'hash'), edge('session', 'sink', 'forward', 0.4)],
);

/** Lines into words, words counted: eight records for one. */
export const wordcount = job(
  'wordcount',
  [
    vertex({
      id: 'lines',
      slotSharingGroup: 'source',
      nominalRate: 100_000,
      recordsPerSecond: 80_000,
      partitions: 96,
    }),
    vertex({ id: 'split', slotSharingGroup: 'split', recordsPerSecond: 16_000, sigma: 0.02 }),
    keyed({ id: 'count', slotSharingGroup: 'count', recordsPerSecond: 55_000, sigma: 0.015 }),
  ],
  [edge('lines', 'split', 'rebalance'), edge('split', 'count', 'hash', 8)],
);

/** A sink that writes to something which takes no more than 105,000 records/s, however many write. */
export const ioBound = job(
  'io-bound',
  [
    vertex({ id: 'source', nominalRate: 70_000, recordsPerSecond: 60_000, partitions: 48 }),
    vertex({ id: 'map', recordsPerSecond: 20_000 }),
    vertex({
      id: 'sink',
      recordsPerSecond: 40_000,
      external: { limitPerSecond: 105_000, perSubtaskPerSecond: 9_000 },
    }),
  ],
  [edge('source', 'map', 'forward'), edge('map', 'sink', 'rebalance')],
);

/** A join with one key that has 7 of 100 records: no more than 14 subtasks are of use. */
export const hotKey = job(
  'hot-key',
  [
    vertex({ id: 'source', nominalRate: 45_000, recordsPerSecond: 60_000, partitions: 48 }),
    keyed({ id: 'join', recordsPerSecond: 8_000, hotShare: 0.07, sigma: 0.01 }),
    vertex({ id: 'sink', recordsPerSecond: 50_000 }),
  ],
  [edge('source', 'join', 'hash'), edge('join', 'sink', 'forward', 0.5)],
);

/** So much state that a restart takes a minute and a half. */
export const largeState: SimulatedJob = {
  ...pipeline,
  name: 'large-state',
  rescale: { ...restart, stateBytes: 15e9, writeBytesPerSecond: 500e6, readBytesPerSecond: 50e6 },
};

/** Twelve vertices: two branches from one source, joined, enriched, to two sinks. */
export const diamond = job(
  'diamond',
  [
    vertex({ id: 'source', nominalRate: 50_000, recordsPerSecond: 40_000, partitions: 48 }),
    vertex({ id: 'parse', recordsPerSecond: 12_000 }),
    vertex({ id: 'left', recordsPerSecond: 15_000 }),
    keyed({
      id: 'left-sum',
      slotSharingGroup: 'state',
      recordsPerSecond: 5_000,
      windowSeconds: 30,
    }),
    vertex({ id: 'right', recordsPerSecond: 12_000 }),
    keyed({ id: 'right-sum', slotSharingGroup: 'state', recordsPerSecond: 4_000 }),
    keyed({ id: 'join', slotSharingGroup: 'state', recordsPerSecond: 6_000 }),
    vertex({ id: 'enrich', slotSharingGroup: 'enrich', recordsPerSecond: 3_500, sigma: 0.02 }),
    vertex({ id: 'score', slotSharingGroup: 'enrich', recordsPerSecond: 5_000 }),
    keyed({ id: 'dedupe', slotSharingGroup: 'state', recordsPerSecond: 9_000 }),
    vertex({ id: 'alerts', recordsPerSecond: 10_000 }),
    vertex({ id: 'archive', recordsPerSecond: 20_000 }),
  ],
  [
    edge('source', 'parse', 'forward'),
    edge('parse', 'left', 'rebalance', 0.6),
    edge('parse', 'right', 'rebalance', 0.4),
    edge('left', 'left-sum', 'hash', 0.9),
    edge('right', 'right-sum', 'hash', 0.9),
    edge('left-sum', 'join', 'hash', 0.4),
    edge('right-sum', 'join', 'hash', 0.5),
    edge('join', 'enrich', 'rebalance', 0.8),
    edge('enrich', 'score', 'forward'),
    edge('score', 'dedupe', 'hash', 0.7),
    edge('dedupe', 'alerts', 'rebalance', 0.1),
    edge('score', 'archive', 'rebalance'),
  ],
);
