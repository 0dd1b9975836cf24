import { namePrefix, removeAbandoned } from './abandoned.ts';
import { mustRun, runTool } from './run-tool.ts';

/** Nobody has this address, so what is sent there is gone. */
const nowhere = '02:00:00:00:de:ad';
const firstSubnet = 64;
const subnets = 64 * 256;

/**
 * Hosts as network namespaces, joined by a bridge in a namespace of its own; this process, where clients are, is at
 * the bridge too. Several networks may be there at once. What a process left behind that was killed is removed by the
 * next one. Needs root.
 */
export class HostNetwork implements Disposable {
  readonly #name: string;
  readonly #subnet: string;
  readonly #hosts: number;
  static #made = 0;

  /** Why networks cannot be made here, `undefined` when they can. */
  static unusable(): string | undefined {
    if (process.getuid?.() !== 0) return 'network namespaces need root';
    const probe = `${namePrefix}${process.pid}-probe`;
    const { succeeded, why } = runTool('ip', ['netns', 'add', probe]);
    if (!succeeded) return `network namespaces cannot be made: ${why}`;
    runTool('ip', ['netns', 'del', probe]);
    return undefined;
  }

  constructor(hosts: number) {
    removeAbandoned();
    this.#name = `${namePrefix}${process.pid}${'abcdefghij'[HostNetwork.#made++ % 10]}`;
    this.#hosts = hosts;
    this.#subnet = freeSubnet();
    try {
      this.#make();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  address(host: number): string {
    return `${this.#subnet}.${host + 1}`;
  }

  /** Where hosts reach this process, which is on none of them. */
  get clientAddress(): string {
    return `${this.#subnet}.254`;
  }

  /** What stands before a program and its arguments to run it on a host, in the same process. */
  on(host: number): readonly string[] {
    return ['ip', 'netns', 'exec', this.#namespace(host)];
  }

  /** What runs on a host. */
  processes(host: number): readonly number[] {
    const printed = mustRun('ip', 'netns', 'pids', this.#namespace(host));
    return printed.split('\n').filter(Boolean).map(Number);
  }

  /** Takes a host off the network, or back on. */
  setLink(host: number, state: 'up' | 'down'): void {
    mustRun('ip', '-n', this.#switch, 'link', 'set', `p${host}`, state);
  }

  /** What two hosts send each other is lost, without a word; both reach everybody else. */
  separate(a: number, b: number): void {
    for (const [from, to] of [[a, b] as const, [b, a] as const]) {
      const entry = [this.address(to), 'lladdr', nowhere, 'dev', 'eth0', 'nud', 'permanent'];
      mustRun('ip', '-n', this.#namespace(from), 'neigh', 'replace', ...entry);
    }
  }

  join(a: number, b: number): void {
    for (const [from, to] of [[a, b] as const, [b, a] as const]) {
      const entry = [this.address(to), 'dev', 'eth0'];
      runTool('ip', ['-n', this.#namespace(from), 'neigh', 'del', ...entry]);
    }
  }

  /** Lets a host send and receive no more than so much, kilobits a second. */
  narrow(host: number, kilobits: number): void {
    const bucket = ['rate', `${kilobits}kbit`, 'burst', '16kb', 'latency', '200ms'];
    for (const [namespace, device] of this.#ends(host)) {
      const at = ['-n', namespace, 'qdisc', 'replace', 'dev', device];
      mustRun('tc', ...at, 'root', 'tbf', ...bucket);
    }
  }

  widen(host: number): void {
    for (const [namespace, device] of this.#ends(host)) {
      runTool('tc', ['-n', namespace, 'qdisc', 'del', 'dev', device, 'root']);
    }
  }

  [Symbol.dispose](): void {
    runTool('ip', ['link', 'del', this.#outside]);
    for (let host = 0; host < this.#hosts; host++) {
      runTool('ip', ['netns', 'del', this.#namespace(host)]);
    }
    runTool('ip', ['netns', 'del', this.#switch]);
  }

  #make(): void {
    const { succeeded, why } = this.#claim();
    if (!succeeded) throw new Error(`No network for hosts: ${why}`);
    mustRun('ip', 'netns', 'add', this.#switch);
    mustRun('ip', '-n', this.#switch, 'link', 'add', 'br0', 'type', 'bridge');
    mustRun('ip', '-n', this.#switch, 'link', 'set', 'br0', 'up');
    mustRun('ip', 'link', 'set', this.#inside, 'netns', this.#switch, 'name', 'clients0');
    mustRun('ip', '-n', this.#switch, 'link', 'set', 'clients0', 'master', 'br0', 'up');
    for (let host = 0; host < this.#hosts; host++) this.#addHost(host);
  }

  /** The address comes first: another process that looks for a subnet sees it. */
  #claim() {
    const pair = [this.#outside, 'type', 'veth', 'peer', 'name', this.#inside];
    mustRun('ip', 'link', 'add', ...pair);
    mustRun('ip', 'addr', 'add', `${this.clientAddress}/24`, 'dev', this.#outside);
    return runTool('ip', ['link', 'set', this.#outside, 'up']);
  }

  #addHost(host: number): void {
    const namespace = this.#namespace(host);
    mustRun('ip', 'netns', 'add', namespace);
    mustRun('ip', '-n', namespace, 'link', 'set', 'lo', 'up');
    const pair = ['name', `p${host}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace];
    mustRun('ip', '-n', this.#switch, 'link', 'add', ...pair);
    mustRun('ip', '-n', this.#switch, 'link', 'set', `p${host}`, 'master', 'br0', 'up');
    mustRun('ip', '-n', namespace, 'addr', 'add', `${this.address(host)}/24`, 'dev', 'eth0');
    mustRun('ip', '-n', namespace, 'link', 'set', 'eth0', 'up');
  }

  #ends(host: number): readonly (readonly [namespace: string, device: string])[] {
    return [
      [this.#switch, `p${host}`],
      [this.#namespace(host), 'eth0'],
    ];
  }

  get #switch(): string {
    return `${this.#name}-switch`;
  }

  /** Names of devices have at most 15 characters. */
  get #outside(): string {
    return `${this.#name}o`;
  }

  get #inside(): string {
    return `${this.#name}i`;
  }

  #namespace(host: number): string {
    return `${this.#name}-${host}`;
  }
}

/** A subnet that no device of this machine is in. */
function freeSubnet(): string {
  const taken = mustRun('ip', '-4', '-o', 'addr', 'show');
  for (let i = 0; i < subnets; i++) {
    const at = (process.pid + i) % subnets;
    const subnet = `10.${firstSubnet + (at >> 8)}.${at & 255}`;
    if (!taken.includes(` ${subnet}.`)) return subnet;
  }
  throw new Error('Every subnet for networks of hosts is taken.');
}
