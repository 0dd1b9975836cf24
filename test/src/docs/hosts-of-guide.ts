import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '@tessera/base';
import { HostNetwork, hostCount } from '@tessera/testkit/cluster';
import { expect } from 'vitest';
import type { Step } from './runnable.ts';

type RunStep = Extract<Step, { readonly kind: 'run' }>;

interface Running {
  readonly host: string;
  readonly child: ChildProcess;
  readonly printed: () => string;
}

const names = ['a', 'b', 'c'].slice(0, hostCount);
const documented = (host: string) => `10.0.0.${names.indexOf(host) + 1}`;
const lookMs = 50;
const maxLooks = 1_200;

/**
 * The hosts of the guide. Beyond the words of every page its fences have these:
 *
 * | fence | meaning |
 * | --- | --- |
 * | `on=a,b` | where the commands are run, at the same time |
 * | `profile` | stands before all later commands on these hosts, with the host's own address as HOST |
 * | `listens=PORT` | starts a daemon that goes on; it is up when this port is listened on |
 * | `down` | what runs on the host is stopped before |
 * | `without=a` | this host is lost before: all that runs there is killed |
 */
export class HostsOfGuide implements AsyncDisposable {
  readonly #network = new HostNetwork(hostCount);
  readonly #folder: string;
  readonly #profiles = new Map<string, string>();
  #running: Running[] = [];

  constructor(folder: string, root: string) {
    this.#folder = folder;
    mkdirSync(join(folder, 'shared'));
    for (const name of names) {
      mkdirSync(join(folder, name));
      symlinkSync(join(folder, 'shared'), join(folder, name, 'shared'));
      for (const part of ['node_modules', 'daemons']) {
        symlinkSync(join(root, part), join(folder, name, part));
      }
    }
  }

  writeShared(name: string, text: string): void {
    writeFileSync(join(this.#folder, name), this.#real(text));
  }

  /** What the commands printed, with the addresses that the page has. */
  async follow(step: RunStep): Promise<string> {
    const setting = (name: string) =>
      step.words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
    const hosts = setting('on')!.split(',');
    if (step.words.includes('profile')) return this.#setProfiles(hosts, step.script);
    if (step.words.includes('down')) await this.#end(hosts, 'SIGINT');
    await this.#end([setting('without') ?? ''], 'SIGKILL');
    const port = step.isPlatform ? 7400 : Number(setting('listens'));
    const started = hosts.map((host) => this.#start(host, step.script));
    const outputs = Number.isNaN(port)
      ? await Promise.all(started.map(ended))
      : await Promise.all(started.map((running) => this.#untilListening(running, port)));
    return this.#asDocumented(outputs.join(''));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end(names, 'SIGKILL');
    this.#network[Symbol.dispose]();
  }

  #setProfiles(hosts: readonly string[], text: string): string {
    for (const host of hosts) {
      const own = this.#real(text).replace(
        /^export HOST=.*$/m,
        `export HOST=${this.#address(host)}`,
      );
      this.#profiles.set(host, own);
    }
    return '';
  }

  #start(host: string, script: string): Running {
    const named = `echo ${host} > /proc/sys/kernel/hostname`;
    const profile = this.#profiles.get(host) ?? '';
    const text = ['exec 2>&1', 'set -e', named, profile, this.#real(script)].join('\n');
    const on = [...this.#network.on(names.indexOf(host)), 'unshare', '--uts'];
    const [program, ...args] = [...on, 'bash', '-c', text];
    const child = spawn(program!, args, {
      cwd: join(this.#folder, host),
      env: { ...process.env, npm_config_offline: 'true' },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (more) => (printed += more));
    const running = { host, child, printed: () => printed };
    this.#running.push(running);
    return running;
  }

  async #untilListening({ host, child, printed }: Running, port: number): Promise<string> {
    // The platform of the laptop listens on loopback only, and says so.
    const isUp = () =>
      port === 7400 ? printed().includes('Tessera is up on') : listens(this.#address(host), port);
    for (let looks = 0; !(await isUp()); looks++) {
      expect(hasEnded(child), `ended:\n${printed()}`).toBe(false);
      expect(looks, `is not up:\n${printed()}`).toBeLessThan(maxLooks);
      await systemClock.sleep(lookMs);
    }
    return '';
  }

  /** Everything on the hosts: each block is a group of processes, as a terminal has it. */
  async #end(hosts: readonly string[], signal: NodeJS.Signals): Promise<void> {
    const these = this.#running.filter(({ host }) => hosts.includes(host));
    this.#running = this.#running.filter(({ host }) => !hosts.includes(host));
    await Promise.all(
      these.map(async ({ child }) => {
        if (hasEnded(child)) return;
        const closed = once(child, 'close');
        process.kill(-child.pid!, signal);
        await closed;
      }),
    );
  }

  #address(host: string): string {
    return this.#network.address(names.indexOf(host));
  }

  #real(text: string): string {
    return names.reduce((all, host) => all.replaceAll(documented(host), this.#address(host)), text);
  }

  #asDocumented(text: string): string {
    return names.reduce((all, host) => all.replaceAll(this.#address(host), documented(host)), text);
  }
}

async function ended({ child, printed }: Running): Promise<string> {
  const [code] = await once(child, 'close');
  expect(code, printed()).toBe(0);
  return printed();
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function listens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket({ host, port });
    const end = (isUp: boolean) => {
      socket.destroy();
      resolve(isUp);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
