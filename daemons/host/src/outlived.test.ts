import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listenersOf } from './proc/held-ports.ts';
import { lookAt, markName, membersOf, supervisorMarkName } from './proc/members.ts';
import { identify, type ProcessStat, readOfProcess, readStat } from './proc/process-identity.ts';
import { readRunStatus } from './process/run-status.ts';
import { HostFixture } from './testing/host-fixture.ts';

let fixture: HostFixture;
const left: ChildProcess[] = [];
beforeEach(async () => {
  fixture = await HostFixture.open();
});
afterEach(async () => {
  for (const one of left.splice(0)) one.kill('SIGKILL');
  await fixture[Symbol.asyncDispose]();
});

/** What has left the group and session of a run, and its supervisor as well, and was not seen when the run was called over. */
async function startLeft(environment: Record<string, string>): Promise<ChildProcess> {
  const child = spawn('/bin/sleep', ['1000'], {
    detached: true,
    stdio: 'ignore',
    env: environment,
  });
  await once(child, 'spawn');
  left.push(child);
  return child;
}
const isGone = ({ pid }: ChildProcess) => {
  const state = readStat(pid!)?.state;
  return state === undefined || state === 'Z';
};
const name = 'processes/p';

describe('what is left of a run that is over', () => {
  let outlived: ChildProcess;
  beforeEach(async () => {
    const { uid } = await fixture.sh('p', 'exit 0');
    await fixture.until('p', 'EXITED');
    outlived = await startLeft({ [markName]: `${uid}.1` });
  });

  test('is killed before the next run begins', async () => {
    await fixture.sh(
      'p',
      `kill -0 ${outlived.pid} && grep -q '^State:.[^Z]' /proc/${outlived.pid}/status && echo lives; exit 0`,
    );
    expect(await fixture.until('p', 'EXITED')).toMatchObject({ run: 2 });
    expect(await fixture.log('p')).toBe('');
    expect(isGone(outlived)).toBe(true);
  });

  test('is killed by the next life of the daemon', async () => {
    await fixture.restart();
    await expect.poll(() => isGone(outlived)).toBe(true);
  });

  test('keeps the process from being forgotten, and is killed', async () => {
    await expectReason(fixture.client.deleteProcess({ name }), 'PROCESS_OUTLIVED');
    await expect.poll(() => isGone(outlived)).toBe(true);
    await fixture.client.deleteProcess({ name });
    await expectReason(fixture.get('p'), 'PROCESS_NOT_FOUND');
  });
});

test('what becomes another program carries no mark for a moment, and is told from what is none of the run', async () => {
  const script = join(fixture.folder, 'changing.sh');
  writeFileSync(script, '[ $1 -gt 0 ] && exec sh $0 $(($1 - 1))\n');
  const environment = { [markName]: 'u.1', PATH: '/usr/bin:/bin' };
  const child = spawn('/bin/sh', [script, '1000000'], { stdio: 'ignore', env: environment });
  left.push(child);
  await once(child, 'spawn');
  const isIn = (some: readonly ProcessStat[]) => some.some(({ pid }) => pid === child.pid);
  const seen = { asMember: 0, asChanging: 0, asNeither: 0 };
  await expect
    .poll(
      () => {
        const { members, changing } = lookAt({ leader: undefined, mark: 'u.1' });
        seen.asMember += Number(isIn(members));
        seen.asChanging += Number(isIn(changing));
        seen.asNeither += Number(!isIn(members) && !isIn(changing));
        return seen.asMember > 0 && seen.asChanging > 0;
      },
      { interval: 1 },
    )
    .toBe(true);
  expect(seen.asNeither).toBe(0);
});

test('what a supervisor has forked is of its run before it is the program; the supervisor itself is not', async () => {
  const environment = { [supervisorMarkName]: 'u.1' };
  const [supervisor, forked] = [await startLeft(environment), await startLeft(environment)];
  const run = { leader: undefined, mark: 'u.1', supervisor: identify(supervisor.pid!) };
  expect(membersOf(run).map(({ pid }) => pid)).toEqual([forked.pid]);
  expect(membersOf({ ...run, mark: 'u.2' })).toEqual([]);
});

test('a supervisor carries the mark of its run, and so does what it forks', async () => {
  const { uid } = await fixture.sh('p', 'sleep 1000');
  await fixture.until('p', 'RUNNING');
  const { supervisor } = readRunStatus(join(fixture.folder, 'host', name, 'runs', '1'))!;
  const environment = readOfProcess(supervisor!.pid, 'environ')!.split('\0');
  expect(environment).toContain(`${supervisorMarkName}=${uid}.1`);
});

test('that a process cannot be looked at does not mean that it is gone', () => {
  expect(() => readOfProcess(process.pid, 'fd')).toThrow('EISDIR');
  expect(readOfProcess(process.pid, 'fd', ['EISDIR'])).toBeUndefined();
  expect(readOfProcess(2 ** 30, 'stat')).toBeUndefined();
});

test('a process that is started while one of its name is deleted keeps its folder', async () => {
  const many = 'i=0; while [ $i -lt 3000 ]; do : > file$i; i=$((i+1)); done';
  await fixture.sh('p', many);
  await fixture.until('p', 'EXITED');
  const deleted = fixture.client.deleteProcess({ name });
  await fixture.sh('p', 'echo new > file; sleep 1000');
  await deleted;
  const file = join(fixture.folder, 'host', name, 'work', 'file');
  await expect.poll(() => existsSync(file)).toBe(true);
  expect(await fixture.until('p', 'RUNNING')).toMatchObject({ run: 1 });
  expect(existsSync(join(fixture.folder, 'host', name, 'runs', '1', 'status.json'))).toBe(true);
});

describe('a port of the host', () => {
  const listen = `require('node:net').createServer().listen(PORT, '127.0.0.1', () => console.log('up'))`;
  const program = (port: number) => [process.execPath, '-e', listen.replace('PORT', `${port}`)];
  const held = async () => {
    const { heldPorts } = await fixture.client.listProcesses({});
    return heldPorts.map(({ port, ip, holder }) => ({ port, ip, holder }));
  };
  let port: number;
  beforeEach(async () => {
    port = await freePort();
    await fixture.restart({ ports: { first: port, last: port } });
  });

  test('is told to be held by a process of a run that is not of this host, until that ends', async () => {
    const [node, ...args] = program(port);
    const stranger = spawn(node!, args, {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { [markName]: 'other.4' },
    });
    left.push(stranger);
    await once(stranger.stdout!, 'data');
    const holder = 'run other.4, which this host does not know';
    expect(await held()).toEqual([{ port, ip: '127.0.0.1', holder }]);
    stranger.kill('SIGKILL');
    await once(stranger, 'exit');
    expect(await held()).toEqual([]);
  });

  test('is not held by its own process that runs, but by what is left of it afterwards', async () => {
    await fixture.start('p', program(port));
    await fixture.untilPrinted('p', 'up');
    expect(await held()).toEqual([]);
    const { uid } = await fixture.get('p');
    await fixture.client.stopProcess({ name, gracePeriod: {} });
    await fixture.until('p', 'STOPPED');
    expect(await held()).toEqual([]);
    const [node, ...args] = program(port);
    const outlived = spawn(node!, args, {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { [markName]: `${uid}.1` },
    });
    left.push(outlived);
    await once(outlived.stdout!, 'data');
    expect(await held()).toEqual([{ port, ip: '127.0.0.1', holder: 'run 1 of p' }]);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test('who listens is read as the kernel writes it', () => {
  const line = (address: string, state: string) =>
    `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000 0 0 77 1 0 100 0 0 10 0`;
  const mapped = '0000000000000000FFFF00000100007F';
  const table = ['  sl  local_address', line('0100007F:4E20', '0A'), line('00000000:4E21', '0A')];
  table.push(line('0100007F:4E22', '01'), line(`${mapped}:4E23`, '0A'));
  expect(listenersOf(table.join('\n'))).toEqual([
    { port: 20_000, ip: '127.0.0.1', inode: '77' },
    { port: 20_001, ip: '*', inode: '77' },
    { port: 20_003, ip: '127.0.0.1', inode: '77' },
  ]);
});
