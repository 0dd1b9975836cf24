import type { JobDetails, JobVertex as SeenVertex } from '@tessera/flink-rest';
import type { JobTopology, Parallelism, ShipStrategy } from '@tessera/scaling';

/** Flink has no more key groups. */
const mostSubtasks = 32_768;

/** The job as a graph, as its JobManager tells: sources first. */
export function topologyOf({ vertices }: Pick<JobDetails, 'vertices'>): JobTopology {
  return {
    vertices: vertices.map((vertex) => {
      const most = vertex.maxParallelism > 0 ? vertex.maxParallelism : mostSubtasks;
      return {
        id: vertex.id,
        name: vertex.name,
        minParallelism: 1,
        maxParallelism: most,
        ...(isKeyed(vertex) && { keyGroups: most }),
        slotSharingGroup: vertex.slotSharingGroupId ?? '',
      };
    }),
    edges: vertices.flatMap(({ id, inputs }) =>
      inputs.map(({ vertexId, shipStrategy }) => ({
        from: vertexId,
        to: id,
        ship: shipOf(shipStrategy),
      })),
    ),
  };
}

/** What its vertices run with. */
export function parallelismOf({ vertices }: Pick<JobDetails, 'vertices'>): Parallelism {
  return Object.fromEntries(vertices.map(({ id, parallelism }) => [id, parallelism]));
}

const isKeyed = ({ inputs }: SeenVertex): boolean =>
  inputs.some(({ shipStrategy }) => shipOf(shipStrategy) === 'hash');

const ships: Readonly<Record<string, ShipStrategy>> = {
  FORWARD: 'forward',
  RESCALE: 'rescale',
  HASH: 'hash',
  BROADCAST: 'broadcast',
};

/** Strategies of its own that Flink has for SQL begin with the same words, such as `HASH[k]`. */
function shipOf(strategy = ''): ShipStrategy {
  const word = /^[A-Z]+/.exec(strategy.toUpperCase())?.[0] ?? '';
  return ships[word] ?? 'rebalance';
}
