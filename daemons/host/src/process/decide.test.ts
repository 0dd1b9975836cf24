import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { specOf } from '../testing/specs.ts';
import { type Action, decide, type ObservedRun } from './decide.ts';
import {
  backoffMs,
  childSeen,
  created,
  hasEnded,
  type ProcessRecord,
  runBegun,
  runEnded,
  startedAgain,
  stateOf,
  stopped,
} from './process-record.ts';
import type { RestartPolicy } from './process-spec.ts';
import type { ExitCause } from './run-status.ts';

const child = { pid: 77, startTicks: 5, bootId: 'b' };
const unseen: ObservedRun = {
  isClaimed: false,
  isSpawning: false,
  isSupervised: false,
  isMainAlive: false,
  memberCount: 0,
  suspectCount: 0,
  outlivedCount: 0,
  isTermSent: false,
};
/** Nothing is left of it, for certain. */
const gone: ObservedRun = { ...unseen, isClaimed: true, emptyForMs: 50 };
const alive: ObservedRun = {
  ...unseen,
  isClaimed: true,
  isSupervised: true,
  isMainAlive: true,
  memberCount: 1,
};
const exit = { cause: { kind: 'code', code: 0 }, atMs: 900 } as const;
const at = (ms: number) => ({ nowMs: ms, upMs: ms });
const wanted = created('p', 'u', { requestId: '', spec: specOf(['/bin/true']), nowMs: 100 });
const begun = runBegun(wanted, 100);
const running = childSeen(begun, child);
const stopping = stopped(running, 1_000);

describe('decide', () => {
  const cases: readonly [string, ProcessRecord, ObservedRun, Action][] = [
    ['a run that is due begins', wanted, unseen, { kind: 'begin-run' }],
    [
      'what is left of earlier runs is killed before',
      wanted,
      { ...unseen, outlivedCount: 1 },
      { kind: 'end-outlived' },
    ],
    ['a run that was decided and not taken is started', begun, unseen, { kind: 'spawn' }],
    ['its supervisor is given time', begun, { ...unseen, isSpawning: true }, { kind: 'wait' }],
    [
      'a supervisor that failed calls the run off',
      begun,
      { ...unseen, spawnFailure: 'no memory' },
      { kind: 'call-off', why: 'no memory' },
    ],
    [
      'a run that is not wanted any more is called off before it begins',
      stopped(begun, 1_000),
      { ...unseen, isSpawning: true },
      { kind: 'call-off', why: 'It was stopped before it began.' },
    ],
    ['what runs is left alone', running, alive, { kind: 'wait' }],
    ['a stop begins with SIGTERM', stopping, alive, { kind: 'signal', signal: 'SIGTERM' }],
    [
      'then the grace period is waited for',
      stopping,
      { ...alive, isTermSent: true },
      { kind: 'wait', forMs: 500 },
    ],
    [
      'also by what the main program left behind',
      stopping,
      { ...alive, isMainAlive: false, exit, isTermSent: true },
      { kind: 'wait', forMs: 500 },
    ],
    [
      'what a program leaves behind that ended by itself is killed',
      running,
      { ...alive, isMainAlive: false, exit },
      { kind: 'signal', signal: 'SIGKILL' },
    ],
    [
      'so is what an unknown run left behind whose supervisor is gone',
      begun,
      { ...unseen, isClaimed: true, memberCount: 2 },
      { kind: 'signal', signal: 'SIGKILL' },
    ],
    [
      'a run ends when nothing is left of it',
      running,
      { ...gone, exit },
      { kind: 'end-run', exit },
    ],
    [
      'which is looked at once more',
      running,
      { ...gone, exit, emptyForMs: 10 },
      { kind: 'wait', forMs: 40 },
    ],
    [
      'and longer while something becomes another program that may be of it',
      running,
      { ...gone, exit, suspectCount: 1, emptyForMs: 9_000 },
      { kind: 'wait', forMs: 50 },
    ],
    [
      'but not for ever',
      running,
      { ...gone, exit, suspectCount: 1, emptyForMs: 10_000 },
      { kind: 'end-run', exit },
    ],
    [
      'also when nobody saw its end',
      running,
      { ...gone, emptyForMs: 0 },
      { kind: 'wait', forMs: 50 },
    ],
    [
      'its supervisor may be about to say how it ended',
      running,
      { ...unseen, isClaimed: true, isSupervised: true },
      { kind: 'wait' },
    ],
  ];
  test.each(cases)('%s', (_, record, observed, action) => {
    expect(decide(record, observed, at(500))).toEqual(action);
  });

  test('when the grace period is over everything is killed', () => {
    const late = decide(stopping, { ...alive, isTermSent: true }, at(1_000));
    expect(late).toEqual({ kind: 'signal', signal: 'SIGKILL' });
  });

  test.each([0, 1e12])('the grace period is as long when the clock is set, to %d', (nowMs) => {
    const observed = { ...alive, isTermSent: true };
    const early = decide(stopping, observed, { nowMs, upMs: 999 });
    expect(early).toEqual({ kind: 'wait', forMs: 1 });
    expect(decide(stopping, observed, { nowMs, upMs: 1_000 })).toMatchObject({ signal: 'SIGKILL' });
  });

  test('an end that nobody saw is recorded as such', () => {
    expect(decide(running, gone, at(500))).toMatchObject({
      kind: 'end-run',
      exit: { cause: { kind: 'unknown' }, atMs: 500 },
    });
  });
});

/** A world of one process: a run is taken at most once, ends on signals or by itself, and may lose its supervisor. */
const step = fc.oneof(
  { arbitrary: fc.constant('turn' as const), weight: 6 },
  {
    arbitrary: fc.constantFrom('stop', 'start', 'ends', 'fails', 'supervisor dies', 'time'),
    weight: 3,
  },
  { arbitrary: fc.constantFrom('daemon restarts', 'action is lost'), weight: 2 },
);
const modes = ['never', 'on-failure', 'always'] as const;

test('whatever happens: never two runs at once, a stop ends it, and only what should restarts', () => {
  fc.assert(
    fc.property(fc.constantFrom(...modes), fc.array(step, { maxLength: 120 }), (mode, steps) => {
      const spec = specOf(['/bin/x'], { restart: { ...restart, mode } });
      let record = created('p', 'u', { requestId: '', spec, nowMs: 0 });
      let nowMs = 0;
      let [lost, isTermSent, ignoresTerm] = [false, false, true];
      let world: { run: number; isSupervised: boolean; cause?: ExitCause } | undefined;
      const observe = (): ObservedRun => {
        const isOurs = world?.run === record.run;
        const isMainAlive = isOurs && world!.cause === undefined;
        if (isMainAlive && world!.isSupervised && record.child === undefined)
          record = childSeen(record, child);
        return {
          isClaimed: isOurs,
          isSpawning: false,
          isSupervised: isOurs && world!.isSupervised && world!.cause === undefined,
          isMainAlive: isMainAlive && record.child !== undefined,
          memberCount: isMainAlive ? 1 : 0,
          ...(!isMainAlive && { emptyForMs: 50 }),
          ...{ suspectCount: 0, outlivedCount: 0 },
          isTermSent,
          ...(isOurs &&
            world!.cause &&
            world!.isSupervised && { exit: { cause: world!.cause, atMs: nowMs } }),
        };
      };
      const turn = () => {
        const before = record;
        const action = decide(record, observe(), at(nowMs));
        if (lost && action.kind !== 'begin-run' && action.kind !== 'end-run') {
          lost = false;
          return;
        }
        switch (action.kind) {
          case 'begin-run':
            expect(world === undefined || world.cause !== undefined).toBe(true);
            record = runBegun(record, nowMs);
            isTermSent = false;
            break;
          case 'spawn':
            expect(record.stopDeadlineMs).toBeUndefined();
            world = { run: record.run, isSupervised: true };
            break;
          case 'call-off':
            world = {
              run: record.run,
              isSupervised: true,
              cause: { kind: 'not-started', message: '' },
            };
            break;
          case 'signal':
            isTermSent = true;
            if (action.signal === 'SIGKILL')
              expect(
                before.stopDeadlineMs !== undefined
                  ? nowMs >= before.stopDeadlineMs
                  : !world!.isSupervised,
              ).toBe(true);
            if (action.signal === 'SIGKILL' || !ignoresTerm)
              world = { ...world!, cause: { kind: 'signal', signal: action.signal } };
            break;
          case 'end-run':
            expect(world!.cause).toBeDefined();
            record = runEnded(record, action.exit, nowMs);
            break;
        }
      };
      for (const one of steps) {
        const isAlive = world !== undefined && world.cause === undefined;
        if (one === 'turn') turn();
        if (one === 'stop') record = stopped(record, nowMs + 50);
        if (one === 'start' && hasEnded(record))
          record = startedAgain(record, { requestId: '', spec, nowMs });
        if (one === 'ends' && isAlive) world = { ...world!, cause: { kind: 'code', code: 0 } };
        if (one === 'fails' && isAlive) world = { ...world!, cause: { kind: 'code', code: 1 } };
        if (one === 'supervisor dies' && world !== undefined)
          world = { ...world, isSupervised: false };
        if (one === 'time') nowMs += 40;
        if (one === 'daemon restarts') isTermSent = false;
        if (one === 'action is lost') lost = true;
      }
      ignoresTerm = false;
      record = stopped(record, nowMs + 50);
      for (let i = 0; i < 20; i++, nowMs += 10) turn();
      expect(hasEnded(record)).toBe(true);
      expect(['STOPPED', 'EXITED']).toContain(stateOf(record));
      expect(world === undefined || world.cause !== undefined).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

const restart: RestartPolicy = {
  mode: 'on-failure',
  initialBackoffMs: 10,
  maxBackoffMs: 100,
  maxRestarts: 0,
};

describe('restarting', () => {
  const causes: readonly [ExitCause, boolean][] = [
    [{ kind: 'code', code: 0 }, false],
    [{ kind: 'code', code: 3 }, true],
    [{ kind: 'signal', signal: 'SIGSEGV' }, true],
    [{ kind: 'not-started', message: '' }, true],
    [{ kind: 'unknown', message: '' }, true],
  ];
  const ended = (cause: ExitCause, policy: RestartPolicy, restarts = 0, atMs = 20) => {
    const spec = specOf(['/bin/x'], { restart: policy });
    const record = runBegun(created('p', 'u', { requestId: '', spec, nowMs: 0 }), 10);
    return runEnded({ ...record, restarts }, { cause, atMs }, atMs);
  };

  test.each(causes)('after %j', (cause, isFailure) => {
    for (const mode of modes) {
      const isRestarted = mode === 'always' || (mode === 'on-failure' && isFailure);
      const record = ended(cause, { ...restart, mode });
      expect(stateOf(record)).toBe(isRestarted ? 'BACKOFF' : 'EXITED');
    }
  });

  test('waits twice as long each time, up to the limit, and begins anew after a stable run', () => {
    const waits = [0, 1, 2, 3, 4, 40, 4_000].map((restarts) => backoffMs(restart, restarts));
    expect(waits).toEqual([10, 20, 40, 80, 100, 100, 100]);
    expect(ended({ kind: 'code', code: 1 }, restart, 6)).toMatchObject({ restarts: 7, dueMs: 120 });
    const stable = ended({ kind: 'code', code: 1 }, restart, 6, 200);
    expect(stable).toMatchObject({ restarts: 1, dueMs: 210 });
  });

  test('ends after so many in a row', () => {
    const limited = { ...restart, maxRestarts: 2 };
    expect(ended({ kind: 'code', code: 1 }, limited, 1)).toMatchObject({ restarts: 2 });
    expect(stateOf(ended({ kind: 'code', code: 1 }, limited, 2))).toBe('EXITED');
  });
});
