import { parseArgs } from 'node:util';
import { formatTable } from '@tessera/cli';
import { place } from '@tessera/placement';
import { metadata } from '@tessera/proto';
import {
  decideReplicas,
  type KnownItems,
  type ReplicasSeen,
  reportReplication,
  type SeenNode,
  storedItems,
} from '@tessera/scheduler';
import type { Benchmark } from '../benchmark.ts';
import { hostsOf, segmentsOf } from '../placement-segments/cluster-data.ts';
import { median } from '../statistics.ts';

const replication = 2;
/** Cuboids of a segment. */
const layoutCount = 4;

/** What one pass of the scheduler's replica keeper computes over a large cluster: nothing is asked of any daemon. */
export const replicasBenchmark: Benchmark = {
  name: 'replicas',
  summary: 'a pass over the replicas of a large cluster: --segments 100000 --nodes 200 --rounds 3',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        segments: { type: 'string', default: '100000' },
        nodes: { type: 'string', default: '200' },
        rounds: { type: 'string', default: '3' },
      },
    });
    const nodes = nodesOf(Number(values.nodes));
    const heapBefore = heapBytes();
    const segments = resourcesOf(Number(values.segments), nodes);
    const resourceBytes = heapBytes() - heapBefore;
    const known: KnownItems = new WeakMap();
    const read = (before = known) =>
      storedItems({ segments, cubes: [], snapshots: [], dictionaries: [] }, replication, before);
    const items = read();
    const itemBytes = heapBytes() - heapBefore - resourceBytes;
    const seen = (change: Partial<ReplicasSeen>): ReplicasSeen => ({
      ...{ items, nodes, lacking: new Map(), found: new Map(), underWay: [] },
      withoutDeep: new Set(nodes.map(({ id }) => id)),
      limits: { inboundBytes: 1e9, outboundBytes: 1e9, deepBytes: 1e9 },
      ...change,
    });
    const lost = nodes.map((node, i) => (i === 7 ? { ...node, state: 'lost' as const } : node));
    const works: Readonly<Record<string, () => unknown>> = {
      'items, all read anew': () => read(new WeakMap()),
      'items after a change': () => read(),
      'decide, nothing to do': () => decideReplicas(seen({})),
      'decide, a node lost': () => decideReplicas(seen({ nodes: lost })),
      report: () => reportReplication(items, nodes),
    };
    const figures = Object.entries(works).map(([work, run]) => ({
      work,
      ...timed(run, Number(values.rounds)),
    }));
    const rows = figures.map(({ work, seconds, megabytes }) => [
      ...[work, seconds.toFixed(3), megabytes.toFixed(0)],
    ]);
    console.log(formatTable(['WORK', 'SECONDS', 'MB'], rows));
    const held = { resourceMb: resourceBytes / 1e6, itemMb: itemBytes / 1e6 };
    console.log(
      `resources ${held.resourceMb.toFixed(0)} MB, items ${held.itemMb.toFixed(0)} MB, as they are held`,
    );
    const secondsOf = (work: string) => figures.find((one) => one.work === work)!.seconds;
    const pass = secondsOf('items after a change') + secondsOf('decide, a node lost');
    return {
      reach: [{ id: 'replicas-pass', value: pass, op: '<=', target: 1, unit: 's' }],
      details: { segments: items.length, nodes: nodes.length, replication, figures, held },
    };
  },
};

/** Median time, and how much more memory was in use at most after one of the rounds. */
function timed(run: () => unknown, rounds: number): { seconds: number; megabytes: number } {
  const taken: number[] = [];
  let most = 0;
  const before = heapBytes();
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    const result = run();
    taken.push((performance.now() - startedMs) / 1_000);
    most = Math.max(most, process.memoryUsage().heapUsed - before);
    if (result === undefined) throw new Error('nothing was computed');
  }
  return { seconds: median(taken), megabytes: most / 1e6 };
}

/** After a collection where Node was started with --expose-gc. */
function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function nodesOf(count: number): SeenNode[] {
  return hostsOf(count, 10).map(({ id, rack, capacityBytes }) => ({
    ...{ id, rack: rack ?? '', capacityBytes },
    ...{ draining: false, state: 'alive' as const },
  }));
}

/** READY segments as metadata holds them, placed as the scheduler would. */
function resourcesOf(count: number, nodes: readonly SeenNode[]): metadata.Segment[] {
  const segments = segmentsOf(1, count);
  const { placement } = place(segments, nodes, { replication });
  return segments.map(({ id, bytes }, i) =>
    metadata.Segment.fromPartial({
      name: id,
      state: metadata.SegmentState.SEGMENT_STATE_READY,
      replicas: [...placement.get(id)!],
      layouts: Array.from({ length: layoutCount }, (_, layout) => ({
        id: `layout-${layout}`,
        file: `cuboids/p/c/${i}/layout-${layout}.parquet`,
        fileDigest: `${i}-${layout}`.padStart(64, '0'),
        sizeBytes: BigInt(Math.round(bytes / layoutCount)),
      })),
    }),
  );
}
