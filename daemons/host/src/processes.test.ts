import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { durationToProto } from '@tessera/client';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { membersOf } from './proc/members.ts';
import { identify, readStat } from './proc/process-identity.ts';
import { HostFixture, stateOf, untilTrue } from './testing/host-fixture.ts';

let fixture: HostFixture;
beforeEach(async () => {
  fixture = await HostFixture.open();
});
afterEach(() => fixture[Symbol.asyncDispose]());

const seconds = (count: number) => durationToProto(count * 1_000);
const ms = durationToProto;
const mode = { never: 1, onFailure: 2, always: 3 } as const;

describe('a process', () => {
  test('runs with its arguments, environment and folder, and its exit code is known', async () => {
    await fixture.start(
      'p',
      ['/bin/sh', '-c', 'echo "$1|$A|$SECRET|$(pwd)"; exit 7', 'sh', 'a b'],
      {
        environment: { A: 'x=y' },
      },
    );
    const ended = await fixture.until('p', 'EXITED');
    expect(ended.lastExit?.cause).toEqual({ $case: 'code', value: 7 });
    expect(ended.run).toBe(1);
    expect(await fixture.log('p')).toBe(`a b|x=y||${fixture.folder}/host/processes/p/work\n`);
  });

  test('gets no environment of the daemon but the usual', async () => {
    await fixture.start('p', ['env'], { environment: { OWN: '1' } });
    await fixture.until('p', 'EXITED');
    const names = (await fixture.log('p'))
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]);
    const usual = ['HOME', 'LANG', 'OWN', 'PATH', 'TESSERA_PROCESS', 'TMPDIR', 'TZ'];
    expect(names.filter((name) => !usual.includes(name!))).toEqual([]);
  });

  test('leads a session and group of its own, and is told apart from a later one by its start', async () => {
    await fixture.sh('p', 'sleep 1000');
    const { pid, pidStartTicks } = await fixture.until('p', 'RUNNING');
    expect(readStat(pid)).toMatchObject({ groupId: pid, sessionId: pid });
    expect(identify(pid)?.startTicks).toBe(Number(pidStartTicks));
    expect(readStat(process.pid)?.sessionId).not.toBe(pid);
  });

  test('is stopped by SIGTERM', async () => {
    await fixture.sh('p', 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.01; done');
    await fixture.untilPrinted('p', 'up');
    expect(stateOf(await fixture.client.stopProcess({ name: 'processes/p' }))).toBe('STOPPING');
    const stopped = await fixture.until('p', 'STOPPED');
    expect(stopped.lastExit?.cause).toEqual({ $case: 'code', value: 3 });
    expect(await fixture.log('p')).toBe('up\nbye\n');
  });

  test('that ignores SIGTERM is killed when its grace period is over', async () => {
    await fixture.sh('p', 'trap "echo no" TERM; echo up; while :; do sleep 0.01; done');
    await fixture.untilPrinted('p', 'up');
    await fixture.client.stopProcess({ name: 'processes/p', gracePeriod: ms(300) });
    const stopped = await fixture.until('p', 'STOPPED');
    expect(stopped.lastExit?.cause).toEqual({ $case: 'signal', value: 'SIGKILL' });
    expect(await fixture.log('p')).toContain('no');
  });

  test('that cannot be executed is refused before anything is written down', async () => {
    await expectReason(fixture.start('p', ['no-such-program']), 'EXECUTABLE_NOT_FOUND');
    await expectReason(fixture.start('p', []), 'PROCESS_INVALID');
    await expectReason(fixture.start('p', ['true'], { workingDirectory: 'x' }), 'PROCESS_INVALID');
    const missing = { workingDirectory: join(fixture.folder, 'missing') };
    await expectReason(fixture.start('p', ['true'], missing), 'WORKING_DIRECTORY_MISSING');
    await expectReason(fixture.start('P/..', ['true']), 'BAD_RESOURCE_ID');
    await expectReason(fixture.get('p'), 'PROCESS_NOT_FOUND');
  });

  test('whose program vanishes says so in the run that could not begin', async () => {
    const program = join(fixture.folder, 'program');
    writeFileSync(program, '#!/bin/sh\nrm "$0"\nexit 1\n', { mode: 0o755 });
    const restart = { mode: mode.onFailure, initialBackoff: ms(1), maxRestarts: 1 };
    await fixture.start('p', [program], { restart });
    const ended = await fixture.until('p', 'EXITED');
    expect(ended).toMatchObject({ run: 2, lastExit: { cause: { $case: 'notStarted' } } });
    expect(ended.lastExit?.cause?.value).toContain(program);
  });

  test('is held to its limits', async () => {
    await fixture.sh('p', 'ulimit -n; ulimit -c; nice', {
      limits: { nice: 5, openFiles: 77n, coreBytes: 0n },
    });
    await fixture.until('p', 'EXITED');
    expect(await fixture.log('p')).toBe(`77\n0\n${Math.min(19, getPriority() + 5)}\n`);
  });
});

describe('stopping', () => {
  test('leaves nothing of a process that keeps forking, nor of what has left its session', async () => {
    // Bounded, so that a failure of what is tested here does not take the machine along.
    const fork = 'i=$((i+1)); sh -c "sleep 60 & sleep 60" & sleep 0.01;';
    const forks = `trap "" TERM; i=0; while [ $i -lt 60 ]; do ${fork} done; wait`;
    await fixture.sh('p', `setsid sh -c 'echo out; ${forks.replaceAll('"', '\\"')}' & ${forks}`);
    await fixture.untilPrinted('p', 'out');
    const { pid, uid } = await fixture.get('p');
    const members = () => membersOf({ leader: undefined, mark: `${uid}.1` });
    await expect.poll(() => members().length).toBeGreaterThan(20);
    expect(new Set(members().map(({ sessionId }) => sessionId)).size).toBeGreaterThan(1);
    await fixture.client.stopProcess({ name: 'processes/p', gracePeriod: ms(200) });
    await fixture.until('p', 'STOPPED');
    expect(members()).toEqual([]);
    expect(readStat(pid)).toBeUndefined();
  });

  test('waits for what the main program has left behind, up to the grace period', async () => {
    const left = `trap "sleep 0.3; echo left; exit" TERM; echo up; while :; do sleep 0.01; done`;
    await fixture.sh('p', `sh -c '${left}' & trap "exit 0" TERM; wait`);
    await fixture.untilPrinted('p', 'up');
    await fixture.client.stopProcess({ name: 'processes/p' });
    const stopped = await fixture.until('p', 'STOPPED');
    expect(stopped.lastExit?.cause).toEqual({ $case: 'code', value: 0 });
    expect(await fixture.log('p')).toContain('left');
  });

  test('may be repeated, only ever shortens the wait, and ends a process that waits for its restart', async () => {
    await fixture.sh('p', 'trap "" TERM; echo up; while :; do sleep 0.01; done');
    await fixture.untilPrinted('p', 'up');
    await fixture.client.stopProcess({ name: 'processes/p', gracePeriod: seconds(600) });
    await fixture.client.stopProcess({ name: 'processes/p', gracePeriod: seconds(0) });
    await fixture.client.stopProcess({ name: 'processes/p', gracePeriod: seconds(600) });
    await fixture.until('p', 'STOPPED');
    const restart = { mode: mode.always, initialBackoff: seconds(600), maxBackoff: seconds(600) };
    await fixture.sh('q', 'exit 1', { restart });
    await fixture.until('q', 'BACKOFF');
    expect(stateOf(await fixture.client.stopProcess({ name: 'processes/q' }))).toBe('STOPPED');
  });

  test('what a program leaves behind when it ends by itself is killed', async () => {
    await fixture.sh('p', 'sleep 1000 & exit 4');
    const { uid, lastExit } = await fixture.until('p', 'EXITED');
    expect(lastExit?.cause).toEqual({ $case: 'code', value: 4 });
    expect(membersOf({ leader: undefined, mark: `${uid}.1` })).toEqual([]);
  });
});

describe('starting', () => {
  test('again with the same spec changes nothing; with another it is refused while it runs', async () => {
    const first = await fixture.sh('p', 'sleep 1000');
    await fixture.until('p', 'RUNNING');
    const again = await fixture.sh('p', 'sleep 1000');
    expect(again).toMatchObject({ uid: first.uid, run: 1 });
    await expectReason(fixture.sh('p', 'sleep 2000'), 'PROCESS_EXISTS');
    await fixture.client.stopProcess({ name: 'processes/p' });
    await fixture.until('p', 'STOPPED');
    await fixture.sh('p', 'sleep 2000');
    expect(await fixture.until('p', 'RUNNING')).toMatchObject({ uid: first.uid, run: 2 });
  });

  test('ten times at once starts one run, and a request that was served is not served again', async () => {
    const request = {
      processId: 'p',
      spec: { argv: ['/bin/sh', '-c', 'echo ran'] },
      requestId: '0d1f7c1c-7a37-4cc3-9c6c-8d1df33a1f00',
    };
    await Promise.all(Array.from({ length: 10 }, () => fixture.client.startProcess(request)));
    await fixture.until('p', 'EXITED');
    await fixture.client.startProcess(request);
    expect(await fixture.get('p')).toMatchObject({ run: 1 });
    expect(await fixture.log('p')).toBe('ran\n');
  });

  test('is refused beyond the limit, until an ended process is deleted', async () => {
    await fixture.restart({ maxProcesses: 1 });
    await fixture.sh('p', 'sleep 1000');
    await expectReason(fixture.sh('q', 'true'), 'TOO_MANY_PROCESSES');
    await expectReason(fixture.client.deleteProcess({ name: 'processes/p' }), 'PROCESS_RUNNING');
    await fixture.client.stopProcess({ name: 'processes/p' });
    await fixture.until('p', 'STOPPED');
    await fixture.client.deleteProcess({ name: 'processes/p' });
    expect(readdirSync(join(fixture.folder, 'host', 'processes'))).toEqual([]);
    await fixture.sh('q', 'true');
  });

  test('with an old token of a lease is refused once a newer one was seen, also after a restart', async () => {
    const spec = { argv: ['/bin/true'] };
    const fence = (token: bigint) => ({ lease: 'leases/scheduler', token });
    await fixture.client.startProcess({ processId: 'p', spec, fence: fence(7n) });
    await fixture.restart();
    const old = { processId: 'q', spec, fence: fence(6n) };
    await expectReason(fixture.client.startProcess(old), 'FENCED');
    await expectReason(
      fixture.client.stopProcess({ name: 'processes/p', fence: fence(6n) }),
      'FENCED',
    );
    await fixture.client.startProcess({ ...old, fence: fence(8n) });
  });
});

describe('a process that fails', () => {
  test('is started again, later and later, and not more often than allowed', async () => {
    const restart = {
      mode: mode.onFailure,
      initialBackoff: ms(5),
      // No run lasts longer than this on any machine: it would begin the counting anew.
      maxBackoff: seconds(600),
      maxRestarts: 3,
    };
    await fixture.sh('p', 'echo run; kill -SEGV $$', { restart });
    const ended = await fixture.until('p', 'EXITED');
    expect(ended).toMatchObject({ run: 4, restartCount: 3 });
    expect(ended.lastExit?.cause).toEqual({ $case: 'signal', value: 'SIGSEGV' });
    expect(await fixture.log('p')).toBe('run\n'.repeat(4));
  });

  test('of which a restart succeeds stays ended, unless it is to be kept running always', async () => {
    const script = 'if [ -e done ]; then exit 0; fi; touch done; exit 1';
    const restart = { mode: mode.onFailure, initialBackoff: ms(1), maxBackoff: seconds(1) };
    await fixture.sh('p', script, { restart });
    expect(await fixture.until('p', 'EXITED')).toMatchObject({ run: 2 });
    await fixture.sh('q', 'exit 0', { restart: { ...restart, mode: mode.always } });
    await untilTrue(fixture.client, 'processes/q', ({ run }) => run === 3);
  });
});

test('changes are watched without gap from a revision, and who comes too late lists again', async () => {
  const { revision } = await fixture.client.listProcesses({});
  await fixture.sh('p', 'exit 0');
  await fixture.until('p', 'EXITED');
  await fixture.client.deleteProcess({ name: 'processes/p' });
  const seen: string[] = [];
  let last = revision;
  for await (const change of fixture.client.watchProcesses({ startRevision: revision + 1n })) {
    expect(change.revision).toBe(last + 1n);
    last = change.revision;
    seen.push(change.event?.$case === 'put' ? stateOf(change.event.value) : 'deleted');
    if (seen.at(-1) === 'deleted') break;
  }
  expect(seen.filter((state, i) => state !== seen[i - 1])).toEqual([
    'STARTING',
    'RUNNING',
    'EXITED',
    'deleted',
  ]);
  await fixture.restart();
  const late = fixture.client.watchProcesses({ startRevision: revision + 1n });
  await expectReason(Array.fromAsync(late), 'REVISION_COMPACTED');
});

test('lists page by page', async () => {
  for (const id of ['c', 'a', 'b']) await fixture.sh(id, 'exit 0');
  const first = await fixture.client.listProcesses({ pageSize: 2 });
  const second = await fixture.client.listProcesses({ pageToken: first.nextPageToken });
  expect([first, second].map(({ processes }) => processes.map(({ name }) => name))).toEqual([
    ['processes/a', 'processes/b'],
    ['processes/c'],
  ]);
  expect(second.nextPageToken).toBe('');
});

test('nobody else can read what a run is started with', async () => {
  await fixture.sh('p', 'sleep 1000', { environment: { PASSWORD: 'secret' } });
  const { uid } = await fixture.until('p', 'RUNNING');
  expect(uid).toMatch(/^[0-9a-f-]{36}$/);
  const supervisors = readdirSync('/proc').filter((pid) =>
    commandOf(pid).includes('supervisor.ts'),
  );
  expect(supervisors.length).toBeGreaterThan(0);
  for (const pid of supervisors) expect(commandOf(pid)).not.toContain('secret');
});

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}
