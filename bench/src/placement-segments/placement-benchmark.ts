import { parseArgs } from 'node:util';
import { formatTable } from '@tessera/cli';
import { type PlacedSegment, type Placement, type PlacementHost, place } from '@tessera/placement';
import type { Benchmark } from '../benchmark.ts';
import { median } from '../statistics.ts';
import { bytesOn, copiedBytes, hostsOf, segmentsOf, unevenness } from './cluster-data.ts';
import { modulo, type Rival, rendezvous } from './rivals.ts';

const replication = 2;

/** Places segments; `current` is what it may keep. */
type Placer = (
  segments: readonly PlacedSegment[],
  hosts: readonly PlacementHost[],
  current?: Placement,
) => Placement;

const placers: Readonly<Record<string, Placer>> = {
  tessera: (segments, hosts, current) =>
    place(segments, hosts, { replication, ...(current && { current }) }).placement,
  rendezvous: withoutMemory(rendezvous),
  modulo: withoutMemory(modulo),
};

function withoutMemory(rival: Rival): Placer {
  return (segments, hosts) => rival(segments, hosts, replication);
}

/** How fast a cluster's segments are placed, how evenly, and what is copied when a host is lost or joins. */
export const placementBenchmark: Benchmark = {
  name: 'placement-segments',
  summary: 'segments on hosts: time, evenness, moves: --segments 100000 --hosts 200 --seed 1',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        segments: { type: 'string', default: '100000' },
        hosts: { type: 'string', default: '200' },
        rounds: { type: 'string', default: '5' },
        seed: { type: 'string', default: '1' },
      },
    });
    const seed = Number(values.seed);
    const segments = segmentsOf(seed, Number(values.segments));
    const hosts = hostsOf(Number(values.hosts), 10);
    const figures = measure(segments, hosts, Number(values.rounds));
    print(figures);
    const [ours, hrw] = [figures['tessera']!, figures['rendezvous']!];
    const rival = 'rendezvous';
    return {
      reach: [
        {
          id: 'placement-seconds',
          value: ours.seconds,
          op: '<=',
          target: 1,
          unit: 's',
          rival,
          rivalValue: hrw.seconds,
        },
        {
          id: 'placement-unevenness',
          value: ours.unevenPercent,
          op: '<=',
          target: 10,
          unit: '%',
          rival,
          rivalValue: hrw.unevenPercent,
        },
        {
          id: 'placement-lost-host',
          value: ours.lostMost,
          op: '<=',
          target: 1.5,
          unit: 'shares',
          rival,
          rivalValue: hrw.lostMost,
        },
      ],
      details: { segments: segments.length, hosts: hosts.length, replication, seed, figures },
    };
  },
};

interface Figures {
  /** Median of placing everything anew. */
  readonly seconds: number;
  readonly unevenPercent: number;
  /** Copied bytes when a host is lost over what it had: the mean and the worst of some hosts. */
  readonly lostMean: number;
  readonly lostMost: number;
  /** Evenness of what is left then, the worst. */
  readonly lostUnevenPercent: number;
  /** Copied bytes when a host joins, over its even share. */
  readonly joined: number;
  /** Segments with both replicas in one rack. */
  readonly sameRack: number;
}

/** Placers take turns, so that a busy moment of the machine hits all of them. */
function measure(
  segments: readonly PlacedSegment[],
  hosts: readonly PlacementHost[],
  rounds: number,
): Readonly<Record<string, Figures>> {
  const seconds = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, placer] of Object.entries(placers)) {
      const startedMs = performance.now();
      placer(segments, hosts);
      const took = (performance.now() - startedMs) / 1000;
      seconds.set(name, [...(seconds.get(name) ?? []), took]);
    }
  }
  return Object.fromEntries(
    Object.entries(placers).map(([name, placer]) => [
      name,
      { seconds: median(seconds.get(name)!), ...qualityOf(placer, segments, hosts) },
    ]),
  );
}

function qualityOf(
  placer: Placer,
  segments: readonly PlacedSegment[],
  hosts: readonly PlacementHost[],
): Omit<Figures, 'seconds'> {
  const placement = placer(segments, hosts);
  const step = Math.max(1, Math.floor(hosts.length / 5));
  const losses = hosts
    .filter((_, i) => i % step === 0)
    .map((lost) => {
      const left = hosts.filter((host) => host !== lost);
      const after = placer(segments, left, placement);
      return {
        shares: copiedBytes(placement, after, segments) / bytesOn(lost.id, placement, segments),
        unevenPercent: unevenness(after, segments, left),
      };
    });
  const more = [...hosts, { ...hosts[0]!, id: `host-${hosts.length}` }];
  const share = (replication * segments.reduce((sum, { bytes }) => sum + bytes, 0)) / more.length;
  const rackOf = new Map(hosts.map(({ id, rack }) => [id, rack]));
  const shares = losses.map((loss) => loss.shares);
  return {
    unevenPercent: unevenness(placement, segments, hosts),
    lostMean: shares.reduce((sum, each) => sum + each, 0) / shares.length,
    lostMost: Math.max(...shares),
    lostUnevenPercent: Math.max(...losses.map((loss) => loss.unevenPercent)),
    joined: copiedBytes(placement, placer(segments, more, placement), segments) / share,
    sameRack: [...placement.values()].filter(
      (holders) => new Set(holders.map((host) => rackOf.get(host))).size < holders.length,
    ).length,
  };
}

function print(figures: Readonly<Record<string, Figures>>): void {
  const headings = [
    'PLACER',
    'SECONDS',
    'UNEVEN %',
    'LOST HOST MOVES',
    'WORST',
    'UNEVEN THEN %',
    'JOINED HOST MOVES',
    'SEGMENTS IN ONE RACK',
  ];
  const rows = Object.entries(figures).map(([name, each]) => [
    name,
    each.seconds.toFixed(3),
    each.unevenPercent.toFixed(1),
    `${each.lostMean.toFixed(2)}x`,
    `${each.lostMost.toFixed(2)}x`,
    each.lostUnevenPercent.toFixed(1),
    `${each.joined.toFixed(2)}x`,
    String(each.sameRack),
  ]);
  console.log(formatTable(headings, rows));
}
