import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { durationToProto } from '@tessera/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { membersOf } from './proc/members.ts';
import { readStat } from './proc/process-identity.ts';
import { readRunStatus } from './process/run-status.ts';
import { DaemonProcess, printed } from './testing/daemon-process.ts';
import { readLog, stateOf, untilEnded, untilState } from './testing/host-fixture.ts';

let daemon: DaemonProcess;
beforeEach(async () => {
  daemon = new DaemonProcess();
  await daemon.start();
});
afterEach(() => daemon[Symbol.asyncDispose]());

const sh = (script: string, rest: object = {}) => ({
  processId: 'p',
  spec: { argv: ['/bin/sh', '-c', script], ...rest },
});
const name = 'processes/p';
const file = (path: string) => join(daemon.folder, path);
/** Lets a script end by making a file. */
const untilFile = (path: string) => `while [ ! -e ${file(path)} ]; do sleep 0.01; done`;
const runFolder = (run: number) => join(daemon.directory, 'processes', 'p', 'runs', `${run}`);

describe.each(['SIGKILL', 'SIGTERM'] as const)('after %s of the daemon', (signal) => {
  test('what runs is the same as before, goes on printing, and can be stopped', async () => {
    const script = `echo one; ${untilFile('go')}; echo two; sleep 1000`;
    await daemon.client.startProcess(sh(script));
    const before = await untilState(daemon.client, 'p', 'RUNNING');
    await daemon.end(signal);
    writeFileSync(file('go'), '');
    await expect
      .poll(() => readFileSync(join(daemon.directory, 'processes/p/logs/output.log'), 'utf8'))
      .toBe('one\ntwo\n');
    await daemon.start();
    expect(await daemon.client.getProcess({ name })).toEqual(before);
    expect(readStat(before.pid)?.startTicks).toBe(Number(before.pidStartTicks));
    await daemon.client.stopProcess({ name });
    const { lastExit } = await untilState(daemon.client, 'p', 'STOPPED');
    expect(lastExit?.cause).toEqual({ $case: 'signal', value: 'SIGTERM' });
  });

  test.each([
    { end: 'exit 5', cause: { $case: 'code', value: 5 } },
    { end: 'kill -USR1 $$', cause: { $case: 'signal', value: 'SIGUSR1' } },
  ])('it is known how something ended meanwhile ($end)', async ({ end, cause }) => {
    await daemon.client.startProcess(sh(`${untilFile('go')}; ${end}`));
    const { pid } = await untilState(daemon.client, 'p', 'RUNNING');
    await daemon.end(signal);
    writeFileSync(file('go'), '');
    await expect.poll(() => readStat(pid)).toBeUndefined();
    await daemon.start();
    const ended = await untilState(daemon.client, 'p', 'EXITED');
    expect(ended).toMatchObject({ run: 1, lastExit: { cause } });
  });
});

describe('kill -9 while a process is started', () => {
  const moments: readonly [string, () => Promise<void> | void][] = [
    ['when it was answered', () => {}],
    ['when the plan is written', () => until(() => existsSync(join(runFolder(1), 'plan.json')))],
    ['when the run was taken', () => until(() => readRunStatus(runFolder(1)) !== undefined)],
    ['when it runs', () => until(() => existsSync(file('ran')))],
  ];
  test.each(moments)('%s: it runs once', async (_, moment) => {
    const asked = daemon.client.startProcess(sh(`echo ran >> ${file('ran')}; sleep 1000`));
    const [{ uid }] = await Promise.all([asked, moment()]);
    await daemon.end('SIGKILL');
    await daemon.start();
    const { run, pid } = await untilState(daemon.client, 'p', 'RUNNING');
    await until(() => existsSync(file('ran')));
    const sessions = membersOf({ leader: undefined, mark: `${uid}.1` }).map((one) => one.sessionId);
    expect({ run, sessions: [...new Set(sessions)] }).toEqual({ run: 1, sessions: [pid] });
    expect(readFileSync(file('ran'), 'utf8')).toBe('ran\n');
  });
});

test('kill -9 in a grace period: what ignores SIGTERM is killed all the same', async () => {
  await daemon.client.startProcess(
    sh('trap "echo no" TERM; echo up; while :; do sleep 0.01; done'),
  );
  await expect.poll(() => readLog(daemon.client, 'p')).toContain('up');
  await daemon.client.stopProcess({ name, gracePeriod: durationToProto(1_500) });
  await expect.poll(() => readLog(daemon.client, 'p')).toContain('no');
  await daemon.end('SIGKILL');
  await daemon.start();
  const { lastExit } = await untilState(daemon.client, 'p', 'STOPPED');
  expect(lastExit?.cause).toEqual({ $case: 'signal', value: 'SIGKILL' });
});

test('a process whose supervisor was killed lives on; its end is then unknown, which is a failure', async () => {
  const restart = { mode: 2, initialBackoff: durationToProto(1) };
  await daemon.client.startProcess(sh(untilFile('go'), { restart }));
  const { pid } = await untilState(daemon.client, 'p', 'RUNNING');
  process.kill(readRunStatus(runFolder(1))!.supervisor!.pid, 'SIGKILL');
  await daemon.end('SIGKILL');
  await daemon.start();
  expect(await daemon.client.getProcess({ name })).toMatchObject({ pid, run: 1 });
  writeFileSync(file('go'), '');
  const ended = await untilState(daemon.client, 'p', 'EXITED');
  expect(ended).toMatchObject({ run: 2, restartCount: 1 });
});

test('a stranger who got the pid of a process that is gone is left alone', async () => {
  await daemon.client.startProcess(sh('sleep 1000'));
  const { pid } = await untilState(daemon.client, 'p', 'RUNNING');
  await daemon.end('SIGKILL');
  const { supervisor } = readRunStatus(runFolder(1))!;
  for (const one of [supervisor!.pid, -pid]) process.kill(one, 'SIGKILL');
  await expect.poll(() => readStat(pid)).toBeUndefined();
  const stranger = spawn('sleep', ['1000'], { detached: true });
  const status = join(runFolder(1), 'status.json');
  const aged = (text: string) => text.replaceAll(`"pid":${pid}`, `"pid":${stranger.pid}`);
  writeFileSync(status, aged(readFileSync(status, 'utf8')));
  changeRecord(aged);
  await daemon.start();
  await daemon.client.stopProcess({ name, gracePeriod: {} });
  const { lastExit } = await untilEnded(daemon.client, name);
  expect(lastExit?.cause?.$case).toBe('unknown');
  expect(stranger.kill(0)).toBe(true);
  stranger.kill('SIGKILL');
  await once(stranger, 'exit');
});

test('a second daemon on the same directory is refused, and the first one is not disturbed', async () => {
  const second = daemon.spawn();
  expect(await printed(second, /(HOST_DIRECTORY_LOCKED)/)).toBe('HOST_DIRECTORY_LOCKED');
  await daemon.client.startProcess(sh('sleep 1000'));
  expect(stateOf(await untilState(daemon.client, 'p', 'RUNNING'))).toBe('RUNNING');
});

test('a journal that is damaged is refused and left as it is', async () => {
  await daemon.end('SIGTERM'); // After SIGKILL the newest pages are beside the file, and mend it.
  const journal = join(daemon.directory, 'journal.sqlite');
  const before = readFileSync(journal);
  writeFileSync(journal, 'no database at all, but long enough to be looked at'.repeat(100));
  const refused = daemon.spawn();
  expect(await printed(refused, /(HOST_JOURNAL_CORRUPT)/)).toBe('HOST_JOURNAL_CORRUPT');
  expect(readFileSync(journal, 'utf8')).toContain('no database at all');
  writeFileSync(journal, before);
});

async function until(isSo: () => boolean): Promise<void> {
  await expect.poll(isSo, { interval: 1 }).toBe(true);
}

function changeRecord(change: (record: string) => string): void {
  using database = new DatabaseSync(join(daemon.directory, 'journal.sqlite'));
  const { record } = database.prepare('select record from processes').get()!;
  database.prepare('update processes set record = ?').run(change(String(record)));
}
