import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Bytes of whole frames that went over a host's link. */
export interface LinkBytes {
  readonly toHost: number;
  readonly fromHost: number;
}

/** A network namespace for each host, all on one bridge, on which this machine has an address as well. */
export class BridgeNetwork implements Disposable {
  readonly #name = `tsb${process.pid}`;
  readonly #subnet = `10.233.${process.pid % 256}`;
  readonly #hosts: number;

  /** @throws Error when namespaces cannot be made here: it takes root and iproute2. */
  constructor(hosts: number) {
    this.#hosts = hosts;
    using undo = new DisposableStack();
    undo.adopt(this, (network) => network[Symbol.dispose]());
    must('ip', ['link', 'add', this.#name, 'type', 'bridge']);
    must('ip', ['addr', 'add', `${this.#subnet}.1/24`, 'dev', this.#name]);
    must('ip', ['link', 'set', this.#name, 'up']);
    for (let i = 0; i < hosts; i++) this.#addHost(i);
    undo.move();
  }

  /** What to put before a command so that it runs on the host. */
  wrap(host: number): readonly string[] {
    return ['ip', 'netns', 'exec', this.#namespace(host)];
  }

  address(host: number): string {
    return `${this.#subnet}.${host + 2}`;
  }

  linkBytes(host: number): LinkBytes {
    const read = (counter: string) =>
      Number(readFileSync(`/sys/class/net/${this.#link(host)}/statistics/${counter}`, 'utf8'));
    return { toHost: read('tx_bytes'), fromHost: read('rx_bytes') };
  }

  /** Holds every link to a rate, each way. */
  limit(megabitsPerSecond: number): void {
    const tbf = ['tbf', 'rate', `${megabitsPerSecond}mbit`, 'burst', '16kb', 'latency', '100ms'];
    for (let i = 0; i < this.#hosts; i++) {
      must('tc', ['qdisc', 'replace', 'dev', this.#link(i), 'root', ...tbf]);
      const inside = ['qdisc', 'replace', 'dev', 'eth0', 'root', ...tbf];
      must('tc', ['-n', this.#namespace(i), ...inside]);
    }
  }

  [Symbol.dispose](): void {
    for (let i = 0; i < this.#hosts; i++) run('ip', ['netns', 'del', this.#namespace(i)]);
    for (let i = 0; i < this.#hosts; i++) run('ip', ['link', 'del', this.#link(i)]);
    run('ip', ['link', 'del', this.#name]);
  }

  #addHost(i: number): void {
    const namespace = this.#namespace(i);
    const link = this.#link(i);
    must('ip', ['netns', 'add', namespace]);
    must('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
    const peer = ['peer', 'name', 'eth0', 'netns', namespace];
    must('ip', ['link', 'add', link, 'type', 'veth', ...peer]);
    must('ip', ['link', 'set', link, 'master', this.#name, 'up']);
    must('ip', ['-n', namespace, 'addr', 'add', `${this.address(i)}/24`, 'dev', 'eth0']);
    must('ip', ['-n', namespace, 'link', 'set', 'eth0', 'up']);
  }

  #namespace(host: number): string {
    return `${this.#name}-${host}`;
  }

  /** At most 15 characters. */
  #link(host: number): string {
    return `${this.#name}h${host}`;
  }
}

function run(command: string, args: readonly string[]) {
  return spawnSync(command, args, { encoding: 'utf8' });
}

function must(command: string, args: readonly string[]): void {
  const { status, stderr, error } = run(command, args);
  if (status === 0) return;
  throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr.trim()}`);
}
