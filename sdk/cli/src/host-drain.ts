import { resourceIdOf } from '@tessera/base';
import { listAll, type TesseraClient } from '@tessera/client';
import type { flink } from '@tessera/proto';

/** How far Flink has left a host that is drained. */
export interface DrainProgress {
  /** Its processes that may run there, or are placed there. */
  readonly processes: readonly string[];
  /** What is there and what it waits for, for people. */
  readonly words: string;
  /** Some of them stay, as there is no room elsewhere. */
  readonly isBlocked: boolean;
}

/** @param host `hosts/{host}` */
export async function observeDrain(
  client: Pick<TesseraClient, 'flinkClusters'>,
  host: string,
): Promise<DrainProgress> {
  const { resources } = await listAll(client as TesseraClient, 'flinkClusterStatuses');
  return drainProgressOf(resources, host);
}

export function drainProgressOf(
  statuses: readonly flink.FlinkClusterStatus[],
  host: string,
): DrainProgress {
  const left = statuses.flatMap((status) => {
    const started = status.started.filter((process) => process.host === host);
    const placed = status.placement.filter((process) => process.host === host);
    return started.length + placed.length === 0 ? [] : [{ status, started }];
  });
  return {
    processes: left.flatMap(({ status, started }) =>
      started.length === 0
        ? [`${resourceIdOf(status.name)} is placed there`]
        : started.map(({ process }) => resourceIdOf(process)),
    ),
    words: left.map(({ status, started }) => wordsOf(status, started.length)).join('; '),
    isBlocked: left.some(({ status }) => blockedBy(status) !== undefined),
  };
}

function wordsOf(status: flink.FlinkClusterStatus, count: number): string {
  const { name, waitsFor } = status;
  const there = `${count} process${count === 1 ? '' : 'es'} of ${resourceIdOf(name)} left`;
  const why = blockedBy(status) ?? (waitsFor === '' ? undefined : `it waits for ${waitsFor}`);
  return why === undefined ? there : `${there}: ${why}`;
}

const blockedBy = ({ conditions }: flink.FlinkClusterStatus): string | undefined =>
  conditions.find(({ reason }) => reason === 'DRAIN_BLOCKED')?.message;
