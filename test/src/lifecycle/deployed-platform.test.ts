import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientsOfDaemons, connect, type TesseraClient } from '@tessera/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DaemonProcesses } from '../daemon-processes.ts';
import { freePorts } from '../free-ports.ts';
import { applyFile, buildAll } from '../test-platform.ts';
import { command, ended, listening, started, tessera } from './command-line.ts';
import { answers, cube, expected, writeModel, writeSales } from './sales.ts';

/** A platform whose storage, scheduler and query daemons run on three hosts by one deployment. */
const timeout = 400_000;
const poll = { timeout: 100_000, interval: 250 };
/** Ports of each host, one for each daemon. */
const portsOfHost = 4;
const names = ['a', 'b', 'c'];

let folder: string;
let deployment: string;
let firstPort: number;
let metadata: string;
let daemons: DaemonProcesses;
let hosts: ChildProcess[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-deployed-'));
  deployment = `cluster-${process.pid}`;
  firstPort = await freePorts(names.length * portsOfHost);
  daemons = new DaemonProcesses();
  hosts = [];
  metadata = await daemons.start('metadata', { file: at('metadata.db') });
  for (const [i, name] of names.entries()) {
    const ports = `${portOn(i)}-${portOn(i, portsOfHost - 1)}`;
    const args = ['host', 'run', '--name', name, '--data', name, '--port', '0', '--ports', ports];
    const host = started(args, folder, metadata);
    hosts.push(host);
    await listening(host);
  }
});
afterEach(async () => {
  for (const host of hosts) {
    if (host.exitCode !== null || host.signalCode !== null) continue;
    const end = ended(host);
    host.kill('SIGKILL');
    await end;
  }
  for (const pid of deployedPids()) process.kill(Number(pid), 'SIGKILL');
  await daemons[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
});

const at = (name: string) => join(folder, name);
const portOn = (host: number, offset = 0) => firstPort + host * portsOfHost + offset;
const run = (...args: string[]) => tessera(args, { cwd: folder, address: metadata });

/** Processes outlive their hosts: those of this test are known by what is in their environment. */
function deployedPids(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => factOf(pid, 'environ').includes(`TESSERA_DEPLOYMENT=${deployment}`));
}

/** Nothing of a process that has ended, or is somebody else's. */
function factOf(pid: string, fact: 'cmdline' | 'environ'): string[] {
  try {
    return readFileSync(`/proc/${pid}/${fact}`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** @param work where query daemons work: something to configure */
function yaml(work: string): string {
  const argv = (kind: string) => JSON.stringify([process.execPath, command, 'daemon', kind]);
  const daemon = (name: string, offset: number, hosts: string, options: string) => `
  - name: ${name}
    hosts: ${hosts}
    argv: ${argv(name)}
    options:
      address: "{{ip}}:{{port+${offset}}}"
${options.replaceAll(/^/gm, '      ')}
    healthAddress: "{{ip}}:{{port+${offset}}}"`;
  const storage = `127.0.0.1:${portOn(0, 0)}`;
  const query = `127.0.0.1:${portOn(0, 2)}`;
  return `apiVersion: tessera/v1
kind: Deployment
name: ${deployment}
daemons:${daemon('storage', 0, '{ hosts: [a] }', `directory: ${at('storage')}`)}
${daemon('query', 2, '{}', `metadata: ${metadata}\nstorage: ${storage}\nwork: ${at(`${work}-{{host}}`)}`)}
${daemon('scheduler', 1, '{ limit: 2 }', `metadata: ${metadata}\nstorage: ${storage}\nquery: ${query}\nwork: ${at('build-{{host}}')}`)}
`;
}

async function apply(work: string): Promise<void> {
  writeFileSync(at('cluster.yaml'), yaml(work));
  expect(await run('apply', '-f', 'cluster.yaml')).toMatchObject({ code: 0, err: '' });
}

interface Status {
  readonly state: string;
  readonly version: string;
  readonly seenVersion: string;
  readonly processes: readonly { readonly host: string; readonly state: string }[];
  readonly drifts: readonly { readonly reason: string }[];
}

async function status(): Promise<Status> {
  return JSON.parse((await run('--json', 'deployment', 'status', deployment)).out);
}

/** The version that all runs as. */
async function currentVersion(): Promise<string> {
  const { state, version, seenVersion } = await status();
  return state === 'CURRENT' && version === seenVersion ? `${version}` : state;
}

/** Where the query daemon of a host works. */
function workOn(host: string): string | undefined {
  const works = deployedPids().map((pid) => {
    const argv = factOf(pid, 'cmdline');
    return argv[argv.indexOf('--work') + 1];
  });
  return works.find((work) => work?.endsWith(`work-${host}`));
}

test('one document runs the platform on three hosts; a change rolls through, also past its leader, and is taken back', {
  timeout,
}, async () => {
  await using stack = new AsyncDisposableStack();
  const to = (port: number) => stack.use(connect(`127.0.0.1:${port}`));
  const clientAt = (host: number): TesseraClient =>
    clientsOfDaemons({
      metadata: stack.use(connect(metadata)),
      storage: to(portOn(0, 0)),
      query: to(portOn(host, 2)),
      scheduler: to(portOn(0, 1)),
    });
  // A scheduler by hand carries the deployment out until there is one by it.
  const [storage, query] = [portOn(0, 0), portOn(0, 2)].map((port) => `127.0.0.1:${port}`);
  const neighbours = { metadata, storage: storage!, query: query! };
  await daemons.start('scheduler', { ...neighbours, work: at('seed') });
  await apply('one-work');
  await expect.poll(currentVersion, poll).toBe('1');
  expect((await status()).processes.map(({ state }) => state)).toEqual(Array(6).fill('RUNNING'));

  mkdirSync(at('data'));
  writeSales(at('data'));
  await applyFile(clientAt(0), writeModel(at('data')));
  await buildAll(clientAt(0), cube);
  const wanted = (await expected(at('data'))).map((rows) => ({ rows, plan: 'cuboid' }));
  const allAnswer = async () => {
    for (const i of names.keys()) {
      await expect.poll(() => answers(clientAt(i)), poll).toEqual(wanted);
    }
  };
  await allAnswer();

  await apply('two-work');
  await expect.poll(() => workOn('a'), poll).toBe(at('two-work-a'));
  await daemons.end('scheduler', 'SIGKILL');
  await expect.poll(currentVersion, poll).toBe('2');
  expect(names.map(workOn)).toEqual(names.map((name) => at(`two-work-${name}`)));
  await allAnswer();

  const again = await run('host', 'run', '--name', 'a', '--data', 'elsewhere', '--port', '0');
  expect(again).toMatchObject({ code: 5, err: expect.stringContaining('HOST_NAME_TAKEN') });

  expect((await run('deployment', 'rollback', deployment, '1')).code).toBe(0);
  await expect.poll(currentVersion, poll).toBe('3');
  expect(names.map(workOn)).toEqual(names.map((name) => at(`one-work-${name}`)));
  await allAnswer();
  const history = await run('deployment', 'history', deployment);
  expect(history.out).toMatch(/as version 1\n.*daemons\[query\]\.options\.work\n.*the first one/);
  expect((await status()).drifts).toEqual([]);
});
