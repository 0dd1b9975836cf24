import type { PlacedProcess, ProcessRole } from '@tessera/flink';

/** What a process of a Flink cluster is called on its host: the cluster, what it does, and its number. A TaskManager has the same name in Flink. */

const words: Readonly<Record<ProcessRole, string>> = {
  jobmanager: 'jm',
  taskmanager: 'tm',
  'sql-gateway': 'sql',
};

export type FlinkProcessName = Pick<PlacedProcess, 'cluster' | 'role' | 'number'>;

export function flinkProcessIdOf({ cluster, role, number }: FlinkProcessName): string {
  return `${cluster}-${words[role]}-${number}`;
}

/** `undefined`: it is no name of a process of a cluster. */
export function parseFlinkProcessId(id: string): FlinkProcessName | undefined {
  const match = /^(.+)-(jm|tm|sql)-(\d+)$/.exec(id);
  if (match === null) return undefined;
  const [, cluster = '', word, number] = match;
  const role = roles.find((one) => words[one] === word)!;
  return { cluster, role, number: Number(number) };
}

const roles = Object.keys(words) as ProcessRole[];
