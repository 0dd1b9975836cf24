import { resourceIdOf } from '@tessera/base';
import { flink } from '@tessera/proto';
import type { WatchedCluster } from '../flink-view.ts';

/** Processes of a cluster by the names that commands give them. */

export interface FlinkProcess {
  /** Such as `tm-2`; on its host it is called `orders-tm-2`. */
  readonly short: string;
  /** `processes/{process}`, as its host calls it. */
  readonly process: string;
  /** `hosts/{host}`. */
  readonly host: string;
  /** Ascending; empty when it is to be stopped. */
  readonly ports: readonly number[];
  /** It may run. Otherwise it has a place, and is not started yet. */
  readonly isStarted: boolean;
}

const { FLINK_PROCESS_ROLE_JOB_MANAGER, FLINK_PROCESS_ROLE_TASK_MANAGER } = flink.FlinkProcessRole;
const words: Readonly<Record<number, string>> = {
  [FLINK_PROCESS_ROLE_JOB_MANAGER]: 'jm',
  [FLINK_PROCESS_ROLE_TASK_MANAGER]: 'tm',
  [flink.FlinkProcessRole.FLINK_PROCESS_ROLE_SQL_GATEWAY]: 'sql',
};

/** Those that have a place, the JobManager first, and those that may run although they have none any more. */
export function processesOf({ name, status }: WatchedCluster): FlinkProcess[] {
  const { placement = [], started = [] } = status ?? {};
  const placed = placement.map(({ role, number, host, ports }): FlinkProcess => {
    const short = `${words[role] ?? 'other'}-${number}`;
    const process = `processes/${name}-${short}`;
    const isStarted = started.some((one) => one.process === process && one.host === host);
    return { short, process, host, ports, isStarted };
  });
  const leftOver = started
    .filter(({ process, host }) => {
      return !placed.some((one) => one.process === process && one.host === host);
    })
    .map(({ process, host }): FlinkProcess => {
      const short = resourceIdOf(process).slice(name.length + 1);
      return { short, process, host, ports: [], isStarted: true };
    });
  const order = ['jm', 'sql', 'tm', 'other'];
  const rank = ({ short }: FlinkProcess) => order.indexOf(short.split('-')[0]!);
  const numberOf = ({ short }: FlinkProcess) => Number(short.split('-')[1]);
  return [...placed, ...leftOver].sort((a, b) => rank(a) - rank(b) || numberOf(a) - numberOf(b));
}

/** The one of a name such as `jm`, `tm-2` or `orders-tm-2`; `jm` and `sql` need no number. */
export function processNamed(cluster: WatchedCluster, given: string): FlinkProcess | undefined {
  const all = processesOf(cluster);
  const short = given.startsWith(`${cluster.name}-`) ? given.slice(cluster.name.length + 1) : given;
  return (
    all.find((one) => one.short === short) ??
    all.find((one) => /^(jm|sql)$/.test(short) && one.short.startsWith(`${short}-`))
  );
}
