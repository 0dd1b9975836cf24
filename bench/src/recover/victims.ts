import { metadata } from '@tessera/proto';
import {
  type ClusterClients,
  type DaemonProcess,
  hostCount,
  hostsOf,
  type TestCluster,
} from '@tessera/testkit/cluster';
import { cube, type Shop } from './shop.ts';
import { until } from './until.ts';

export interface Stage {
  readonly cluster: TestCluster;
  readonly clients: ClusterClients;
  readonly shop: Shop;
}

/** Whom to kill, and how to tell that the rest has recovered. */
export interface Victim {
  readonly name: string;
  /** Processes for the n-th time. What is prepared before them is over when this returns. */
  choose(stage: Stage, n: number): Promise<Strike>;
}

export interface Strike {
  readonly processes: readonly DaemonProcess[];
  /** Resolves when users are served again. */
  recovered(): Promise<void>;
}

const writeTimeoutMs = 1_000;

export const victims: readonly Victim[] = [
  {
    name: 'query',
    choose: async (stage, n) => ({
      processes: [nth(stage, 'query', n)],
      recovered: () => untilAnswered(stage, n),
    }),
  },
  {
    name: 'storage',
    choose: async (stage, n) => ({
      processes: [nth(stage, 'storage', n)],
      recovered: () => untilAnswered(stage, n),
    }),
  },
  {
    name: 'metadata',
    choose: async (stage, n) => ({
      processes: [nth(stage, 'metadata', n)],
      recovered: () => untilServed(stage, n),
    }),
  },
  { name: 'scheduler-leader', choose: (stage) => schedulerLeader(stage) },
  {
    name: 'etcd-leader',
    choose: async (stage, n) => ({
      processes: [await until(() => stage.cluster.etcdLeader())],
      recovered: () => untilServed(stage, n),
    }),
  },
  {
    name: 'host',
    choose: async (stage, n) => ({
      processes: stage.cluster.daemons.filter(({ host }) => host === n % hostCount),
      recovered: () => untilServed(stage, n),
    }),
  },
];

function nth({ cluster }: Stage, kind: 'query' | 'storage' | 'metadata', n: number) {
  return cluster.daemon(kind, hostsOf[kind][n % hostsOf[kind].length]!);
}

/** A user who begins with the n-th query daemon and turns to the other one when that fails. */
async function untilAnswered({ clients, shop }: Stage, n: number): Promise<void> {
  let next = n;
  await until(async () => shop.answers(clients.nth('query', next++).queries));
}

/** The same, and a write of metadata is acknowledged. */
async function untilServed(stage: Stage, n: number): Promise<void> {
  await Promise.all([untilAnswered(stage, n), untilWritten(stage, n)]);
}

async function untilWritten({ clients }: Stage, n: number): Promise<void> {
  let next = n;
  await until(async () => {
    const { projects } = clients.nth('metadata', next++);
    const project = { name: 'projects/default', displayName: `${next}` };
    const signal = AbortSignal.timeout(writeTimeoutMs);
    return projects.updateProject({ project }, { signal });
  });
}

/** A build goes on when its leader dies; the next one acts when it has begun it again. */
async function schedulerLeader(stage: Stage): Promise<Strike> {
  const { cluster, clients } = stage;
  const client = clients.whole(0);
  const { name } = await until(() => client.builds.refreshSegments({ cube, force: true }));
  const attempt = async () => {
    const read = { name, signal: AbortSignal.timeout(writeTimeoutMs) };
    const record = await client.operationRecords.getOperationRecord({ name }, read);
    return record.state === metadata.OperationState.OPERATION_STATE_RUNNING ? record.attempt : 0;
  };
  const before = await until(attempt);
  const { holder } = await client.leases.getLease({ name: 'leases/scheduler' });
  const pid = Number(/^scheduler-(\d+)-/.exec(holder)?.[1]);
  return {
    processes: cluster.all('scheduler').filter((daemon) => daemon.pid === pid),
    recovered: async () => {
      await until(async () => (await attempt()) > before);
    },
  };
}
