import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { systemClock } from '@tessera/base';
import { freePorts } from '../free-ports.ts';

export interface EtcdServers extends AsyncDisposable {
  readonly endpoints: readonly string[];
  readonly members: readonly EtcdMember[];
  /** The member that leads now. */
  leader(): Promise<EtcdMember>;
}

export interface EtcdMember {
  readonly name: string;
  readonly endpoint: string;
  /** Such as SIGKILL, or SIGSTOP and SIGCONT for a member that hangs. */
  signal(signal: NodeJS.Signals): void;
  /** Ends with a signal and waits until the process is gone. */
  end(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again over the same data, and waits until it answers. */
  restart(): Promise<void>;
}

export interface EtcdServersOptions {
  readonly members?: number;
  readonly flags?: readonly string[];
  /** Such as `['ip', 'netns', 'exec', 'ns1']` before the program, by number of the member. */
  readonly wrap?: (member: number) => readonly string[];
  /** Where a member listens for clients and for other members; by default on loopback. */
  readonly hosts?: (member: number) => { readonly client: string; readonly peer: string };
}

/** The server's program, `undefined` when etcd is not installed. */
export function etcdProgram(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, 'etcd')).find((path) => existsSync(path));
}

/** A cluster of etcd in a temporary directory; disposing ends it and removes everything. */
export async function startEtcd(options: EtcdServersOptions = {}): Promise<EtcdServers> {
  const program = etcdProgram();
  if (program === undefined) {
    throw new Error('etcd is not installed; run scripts/install-test-deps.sh');
  }
  const { members: count = 3, flags = [], wrap = () => [], hosts = onLoopback } = options;
  const directory = mkdtempSync(join(tmpdir(), 'tessera-etcd-'));
  const ports = await freePorts(2 * count);
  const urls = Array.from({ length: count }, (_, i) => ({
    name: `n${i}`,
    client: `http://${hosts(i).client}:${ports[2 * i]}`,
    peer: `http://${hosts(i).peer}:${ports[2 * i + 1]}`,
  }));
  const cluster = urls.map(({ name, peer }) => `${name}=${peer}`).join();
  const members = urls.map(
    ({ name, client, peer }, i) =>
      new Member(directory, name, client, [
        ...wrap(i),
        program,
        ...['--name', name, '--data-dir', join(directory, name)],
        ...['--listen-client-urls', client, '--advertise-client-urls', client],
        ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
        ...['--initial-cluster', cluster, '--initial-cluster-token', directory],
        ...['--heartbeat-interval', '100', '--election-timeout', '1000'],
        ...['--max-txn-ops', '2048', '--max-request-bytes', `${10 * 1024 * 1024}`],
        ...['--logger', 'zap', '--log-level', 'error', ...flags],
      ]),
  );
  const stop = async () => {
    await Promise.all(members.map((member) => member.end('SIGKILL')));
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await Promise.all(members.map((member) => member.start('new')));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoints: members.map(({ endpoint }) => endpoint),
    members,
    leader: () => leaderOf(members),
    [Symbol.asyncDispose]: stop,
  };
}

const onLoopback = () => ({ client: '127.0.0.1', peer: '127.0.0.1' });

class Member implements EtcdMember {
  readonly name: string;
  readonly endpoint: string;
  readonly #log: string;
  readonly #command: readonly string[];
  #process: ChildProcess | undefined;

  constructor(directory: string, name: string, endpoint: string, command: readonly string[]) {
    this.name = name;
    this.endpoint = endpoint;
    this.#log = join(directory, `${name}.log`);
    this.#command = command;
  }

  async start(state: 'new' | 'existing'): Promise<void> {
    const [program, ...args] = [...this.#command, '--initial-cluster-state', state];
    const log = openSync(this.#log, 'a');
    this.#process = spawn(program!, args, { stdio: ['ignore', log, log] });
    for (let turns = 0; !(await this.#isHealthy()); turns++) {
      if (this.#process.exitCode !== null || turns > 600) {
        throw new Error(`etcd ${this.name} did not start: ${readFileSync(this.#log, 'utf8')}`);
      }
      await systemClock.sleep(50);
    }
  }

  restart(): Promise<void> {
    return this.start('existing');
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#process;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exit = once(running, 'exit');
    running.kill(signal);
    await exit;
  }

  async status(): Promise<{ readonly id: string; readonly leader: string } | undefined> {
    const answer = await this.#ask('/v3/maintenance/status', { method: 'POST', body: '{}' });
    if (answer === undefined) return undefined;
    const { header, leader } = answer as { header: { member_id: string }; leader?: string };
    return { id: header.member_id, leader: leader ?? '0' };
  }

  async #isHealthy(): Promise<boolean> {
    return ((await this.#ask('/health')) as { health?: string } | undefined)?.health === 'true';
  }

  async #ask(path: string, init: RequestInit = {}): Promise<unknown> {
    try {
      const response = await fetch(`${this.endpoint}${path}`, {
        ...init,
        signal: AbortSignal.timeout(2_000),
      });
      return await response.json();
    } catch {
      return undefined;
    }
  }
}

async function leaderOf(members: readonly Member[]): Promise<EtcdMember> {
  for (let turns = 0; turns < 600; turns++) {
    const known = await Promise.all(
      members.map(async (member) => ({ member, status: await member.status() })),
    );
    const leader = known.find(({ status }) => status !== undefined && status.id === status.leader);
    if (leader !== undefined) return leader.member;
    await systemClock.sleep(50);
  }
  throw new Error('etcd has no leader');
}
