import { spawnSync } from 'node:child_process';

/**
 * A network namespace for each member: a link of its own to this machine, where clients are, and one to the
 * other members, which can be taken down alone.
 */
export class MemberNetwork implements Disposable {
  readonly #name = `tsr${process.pid}`;
  readonly #members: number;

  /** Why namespaces cannot be made here, `undefined` when they can. */
  static unusable(): string | undefined {
    if (process.getuid?.() !== 0) return 'network namespaces need root';
    const probe = `tsr${process.pid}-probe`;
    const { status, stderr, error } = ip(['netns', 'add', probe]);
    if (status !== 0) return `network namespaces cannot be made: ${error?.message ?? stderr}`;
    ip(['netns', 'del', probe]);
    return undefined;
  }

  constructor(members: number) {
    this.#members = members;
    must(['netns', 'add', this.#switch]);
    must(['-n', this.#switch, 'link', 'add', 'br0', 'type', 'bridge']);
    must(['-n', this.#switch, 'link', 'set', 'br0', 'up']);
    for (let i = 0; i < members; i++) this.#addMember(i);
  }

  wrap(member: number): string[] {
    return ['ip', 'netns', 'exec', this.#namespace(member)];
  }

  hosts(member: number) {
    return { client: `10.231.${member}.2`, peer: `10.232.0.${member + 1}` };
  }

  /** Takes down, or up again, what joins a member to the others. Clients reach it all the same. */
  setPeerLink(member: number, state: 'up' | 'down'): void {
    must(['-n', this.#switch, 'link', 'set', `p${member}`, state]);
  }

  [Symbol.dispose](): void {
    for (let i = 0; i < this.#members; i++) {
      ip(['link', 'del', this.#clientLink(i)]);
      ip(['netns', 'del', this.#namespace(i)]);
    }
    ip(['netns', 'del', this.#switch]);
  }

  #addMember(i: number): void {
    const namespace = this.#namespace(i);
    const [outside, { client, peer }] = [this.#clientLink(i), this.hosts(i)];
    must(['netns', 'add', namespace]);
    must(['-n', namespace, 'link', 'set', 'lo', 'up']);
    must(['link', 'add', outside, 'type', 'veth', 'peer', 'name', 'client', 'netns', namespace]);
    must(['addr', 'add', `10.231.${i}.1/30`, 'dev', outside]);
    must(['link', 'set', outside, 'up']);
    must(['-n', namespace, 'addr', 'add', `${client}/30`, 'dev', 'client']);
    must(['-n', namespace, 'link', 'set', 'client', 'up']);
    const ends = ['name', `p${i}`, 'type', 'veth', 'peer', 'name', 'peer', 'netns', namespace];
    must(['-n', this.#switch, 'link', 'add', ...ends]);
    must(['-n', this.#switch, 'link', 'set', `p${i}`, 'master', 'br0', 'up']);
    must(['-n', namespace, 'addr', 'add', `${peer}/24`, 'dev', 'peer']);
    must(['-n', namespace, 'link', 'set', 'peer', 'up']);
  }

  get #switch(): string {
    return `${this.#name}-sw`;
  }

  #namespace(member: number): string {
    return `${this.#name}-${member}`;
  }

  /** At most 15 characters. */
  #clientLink(member: number): string {
    return `${this.#name}c${member}`;
  }
}

function ip(args: readonly string[]) {
  return spawnSync('ip', args, { encoding: 'utf8' });
}

function must(args: readonly string[]): void {
  const { status, stderr } = ip(args);
  if (status !== 0) throw new Error(`ip ${args.join(' ')} failed: ${stderr}`);
}
