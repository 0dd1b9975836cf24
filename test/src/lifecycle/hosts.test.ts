import type { ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProgram } from '@tessera/cli';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ended, listening, started, tessera } from './command-line.ts';
import { ScratchPlatform } from './scratch-platform.ts';

/** `tessera host` as a user types it: a platform, and host daemons as processes of their own. */
const timeout = 120_000;
let platform: ScratchPlatform;
const running: ChildProcess[] = [];

beforeEach(async () => {
  platform = await ScratchPlatform.start();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map(stop));
  await platform[Symbol.asyncDispose]();
});

const run = (...args: string[]) =>
  tessera(args, { cwd: platform.folder, address: platform.address });

async function json(...args: string[]) {
  const { code, out, err } = await run('--json', ...args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
}

/** Relative folders, as a user gives them. */
async function runHost(name: string, ...more: string[]): Promise<ChildProcess> {
  const args = ['host', 'run', '--name', name, '--data', name, '--port', '0', ...more];
  const child = started(args, platform.folder, platform.address);
  running.push(child);
  await listening(child);
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const end = ended(child);
  child.kill('SIGTERM');
  await end;
}

test('a host is run, listed and shown; a process is started, read and stopped', {
  timeout,
}, async () => {
  await runHost('a', '--rack', 'r1', '--label', 'disk=nvme', '--label', 'zone=x');
  const [listed] = await json('host', 'list');
  expect(listed).toMatchObject({ name: 'hosts/a', isAlive: true, rack: 'r1' });
  const table = (await run('host')).out.split('\n');
  expect(table[2]).toMatch(/^a +alive +r1 +127\.0\.0\.1:\d+ +\d+ .* disk=nvme zone=x$/);
  expect((await run('host', 'show', 'a')).out).toContain('memory free');
  expect((await json('host', 'show', 'a')).labels).toEqual({ disk: 'nvme', zone: 'x' });

  const script = 'trap "exit 0" TERM; echo hello; echo "bad luck" >&2; while :; do sleep 0.1; done';
  const begun = await run(
    'host',
    'start',
    'a',
    'greeter',
    '--restart',
    'always',
    '--',
    'sh',
    '-c',
    script,
  );
  expect(begun).toMatchObject({ code: 0, err: '' });
  await expect
    .poll(() => run('host', 'logs', 'a', 'greeter').then(({ out }) => out))
    .toBe('hello\n');
  expect((await run('host', 'logs', 'a', 'greeter', '--stderr')).out).toBe('bad luck\n');
  expect(await json('host', 'processes', 'a')).toMatchObject([
    { name: 'processes/greeter', state: 'RUNNING', run: 1 },
  ]);
  const stopped = await run('host', 'stop', 'a', 'greeter');
  expect(stopped).toMatchObject({ code: 0, out: 'greeter has ended: code 0\n' });
  expect((await run('host', 'processes', 'a')).out).toMatch(/greeter +STOPPED +1 .* code 0 +sh -c/);
});

test('a process lives on while its host daemon is replaced, and its log can be followed to the end', {
  timeout,
}, async () => {
  const first = await runHost('a');
  const script = 'echo one; while [ ! -e go ]; do sleep 0.05; done; echo two';
  expect((await run('host', 'start', 'a', 'job', '--', 'sh', '-c', script)).code).toBe(0);
  await expect.poll(() => run('host', 'logs', 'a', 'job').then(({ out }) => out)).toBe('one\n');
  const [{ pid }] = await json('host', 'processes', 'a');
  await stop(first);
  expect(await run('host', 'processes', 'a')).toMatchObject({ code: 4 });
  expect((await json('host', 'list'))[0].isAlive).toBe(false);
  await runHost('a');
  expect((await json('host', 'processes', 'a'))[0]).toMatchObject({
    pid,
    state: 'RUNNING',
    run: 1,
  });
  const following = run('host', 'logs', 'a', 'job', '--follow');
  writeFileSync(join(platform.folder, 'a', 'processes', 'job', 'work', 'go'), '');
  expect(await following).toMatchObject({ code: 0, out: 'one\ntwo\n' });
});

test('no command about hosts, and no host daemon, prints a token', { timeout }, async () => {
  const secrets = ['tessera_of-the-host', 'tessera_of-the-user'] as const;
  writeFileSync(join(platform.folder, 'host.token'), `${secrets[0]}\n`);
  const child = await runHost('a', '--token-file', 'host.token', '--log-level', 'debug');
  const daemon = ended(child);
  const asked = [
    ['host', 'list'],
    ['--json', 'host', 'show', 'a'],
    ['host', 'show', 'none'],
    ['host', 'start', 'a', 'p', '--', 'true'],
    ['--json', 'host', 'processes', 'a'],
    ['host', 'logs', 'a', 'none'],
    ['--json', 'artifact', 'list'],
    ['artifact', 'list', '--at', '127.0.0.1:1'],
    ['status'],
    ['doctor', join(platform.folder, 'report.json')],
  ];
  let printed = '';
  const hear = (text: string) => {
    printed += text;
  };
  const terminal = { out: hear, err: hear, interactive: true, columns: 200 };
  for (const args of asked) {
    const options = ['--address', platform.address, '--token', secrets[1]];
    await createProgram(terminal).parseAsync([...options, ...args], { from: 'user' });
  }
  process.exitCode = undefined;
  await stop(child);
  const { out, err } = await daemon;
  printed += out + err + readFileSync(join(platform.folder, 'report.json'), 'utf8');
  expect(printed).toContain('HOST_NOT_FOUND');
  for (const secret of secrets) expect(printed).not.toContain(secret);
});

test('what makes no sense is refused with a reason and an exit code', { timeout }, async () => {
  await runHost('a');
  const refused: [string[], number, string][] = [
    [['host', 'run', '--name', 'a', '--data', 'b', '--port', '0'], 5, 'HOST_NAME_TAKEN'],
    [['host', 'run', '--name', 'b', '--data', 'a', '--port', '0'], 5, 'HOST_DIRECTORY_LOCKED'],
    [['host', 'run', '--name', 'A/b', '--data', 'c', '--port', '0'], 2, 'BAD_RESOURCE_ID'],
    [['host', 'run', '--label', 'x'], 2, 'BAD_LABEL'],
    [['host', 'run', '--ports', '9-1'], 2, 'BAD_PORT_RANGE'],
    [['host', 'run', '--ports', '0-1'], 2, 'BAD_NUMBER'],
    [['host', 'run', '--drain-timeout', 'soon'], 2, 'BAD_NUMBER'],
    [['artifact', 'put', 'missing.tgz'], 2, 'FILE_UNREADABLE'],
    [['host', 'show', 'none'], 3, 'HOST_NOT_FOUND'],
    [['host', 'logs', 'a', 'none'], 3, 'PROCESS_NOT_FOUND'],
    [['host', 'stop', 'a', 'none'], 3, 'PROCESS_NOT_FOUND'],
    [['host', 'start', 'a', 'p', '--', 'no-such-program'], 2, 'EXECUTABLE_NOT_FOUND'],
    [['host', 'forget', 'a'], 5, 'HOST_ALIVE'],
  ];
  for (const [args, code, reason] of refused) {
    const outcome = await run(...args);
    expect({ args, code: outcome.code }).toEqual({ args, code });
    expect(outcome.err).toContain(`(${reason})`);
  }
  await stop(running[0]!);
  expect((await run('host', 'forget', 'a')).out).toBe('forgot a\n');
  expect(await json('host', 'list')).toEqual([]);
});
