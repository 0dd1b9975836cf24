import { describe, expect, test } from 'vitest';
import type { ClusterJournal, WantedProcess } from './cluster-decision.ts';
import { nextClusterAction } from './next-cluster-action.ts';
import type { ClusterProcess, ObservedCluster } from './observed-cluster.ts';
import { journalFor, versionToRun } from './trial.ts';

const wantedOf = (id: string, fingerprint = 'new'): WantedProcess => ({
  ...{ id, host: 'a', fingerprint },
  role: id.startsWith('jm') ? 'jobmanager' : 'taskmanager',
});
const wanted = [wantedOf('jm-1'), wantedOf('tm-1'), wantedOf('tm-2')];

const seen = (id: string, rest: Partial<ClusterProcess> = {}): ClusterProcess => {
  const { role } = wantedOf(id);
  return { id, role, fingerprint: 'new', state: 'RUNNING', ageMs: 20_000, ...rest };
};
const old = { fingerprint: 'old' };
/** As it is after a run of that number has ended by itself. */
const ended = (run: number): Partial<ClusterProcess> => ({
  ...{ state: 'BACKOFF', ageMs: 0 },
  ended: { run: `${run}`, cause: "Could not parse value 'rubbish'." },
});

/** @param known ids of TaskManagers that the JobManager knows */
const cluster = (
  processes: readonly ClusterProcess[],
  known: readonly string[] = ['tm-1', 'tm-2'],
): ObservedCluster => ({
  ...silent(processes),
  registered: new Map(known.map((id) => [id, { slots: 2, freeSlots: 2 }])),
});
const silent = (processes: readonly ClusterProcess[]): ObservedCluster => ({
  hosts: [{ id: 'a', state: 'seen', processes }],
  activeJobs: 0,
});

/** Gives what is decided after each of several looks. */
function watch(looks: readonly ObservedCluster[], before: Partial<ClusterJournal> = {}) {
  let journal: ClusterJournal = { started: [], ...before };
  return looks.map((observed) => {
    const decision = nextClusterAction({ processes: wanted, version: 2n }, observed, journal);
    journal = decision.journal;
    return decision;
  });
}
const last = (looks: readonly ObservedCluster[], before: Partial<ClusterJournal> = { good: 1n }) =>
  watch(looks, before).at(-1)!;

describe('a version is good', () => {
  const all = [seen('jm-1'), seen('tm-1'), seen('tm-2')];

  test('when all its processes are up, and have been running for a while', () => {
    expect(last([cluster(all)], {}).journal.good).toBe(2n);
  });

  test.each<[string, ObservedCluster]>([
    ['the JobManager does not answer', silent(all)],
    ['a TaskManager is not registered', cluster(all, ['tm-1'])],
    ['one has just been started', cluster([...all.slice(0, 2), seen('tm-2', { ageMs: 9_000 })])],
    ['one is not there', cluster(all.slice(0, 2))],
    ['one runs as it did before', cluster([...all.slice(0, 2), seen('tm-2', old)])],
  ])('but not while %s', (_, observed) => {
    expect(last([observed]).journal.good).toBe(1n);
  });
});

describe('a version is given up', () => {
  const others = [seen('tm-1', old), seen('tm-2', old)];
  const ends = (run: number) => silent([seen('jm-1', ended(run)), ...others]);

  test('when a process of it has ended three times by itself before it was up: with the last cause, and no step', () => {
    const [first, second, third] = watch([ends(1), ends(2), ends(3)], { good: 1n });
    expect([first!.journal.rejected, second!.journal.rejected]).toEqual([undefined, undefined]);
    expect(third).toMatchObject({
      waitsFor: 'version 1 to be brought back',
      journal: {
        good: 1n,
        rejected: {
          ...{ version: 2n, processId: 'jm-1', host: 'a' },
          cause: "Could not parse value 'rubbish'.",
        },
      },
    });
    expect(third!.step).toBeUndefined();
  });

  const four = [1, 2, 3, 4];
  test.each<[string, readonly ObservedCluster[], Partial<ClusterJournal>]>([
    ['there is no good one', four.map(ends), {}],
    ['it is the good one', four.map(ends), { good: 2n }],
    ['one run is seen to have ended, again and again', four.map(() => ends(1)), { good: 1n }],
    [
      'it was killed, or ended with its host',
      four.map(() => silent([seen('jm-1', { state: 'BACKOFF' }), ...others])),
      { good: 1n },
    ],
    [
      'it has been up before it ended',
      [cluster([seen('jm-1'), ...others]), ...four.map(ends)],
      { good: 1n },
    ],
    [
      'it is a process of an earlier version that ends',
      four.map((run) => cluster([seen('jm-1'), seen('tm-1', { ...ended(run), ...old })])),
      { good: 1n },
    ],
    [
      'TaskManagers end without a JobManager',
      four.map((run) => silent([seen('jm-1'), seen('tm-1', ended(run)), seen('tm-2')])),
      { good: 1n },
    ],
  ])('but not when %s', (_, looks, before) => {
    expect(last(looks, before).journal.rejected).toBeUndefined();
  });

  test('but counts anew what is started anew', () => {
    const [, second] = watch([ends(1), ends(2)], { good: 1n });
    const gone = silent([seen('jm-1', { state: 'STOPPED' }), ...others]);
    expect(last([gone, ends(3), ends(4)], second!.journal).journal.rejected).toBeUndefined();
  });

  test('and the good one is carried out, until there is a newer version', () => {
    const { journal } = last([ends(1), ends(2), ends(3)]);
    expect(versionToRun(2n, journal)).toBe(1n);
    expect(journalFor(1n, journal)).toEqual(journal);
    expect(versionToRun(3n, journal)).toBe(3n);
    expect(journalFor(3n, journal).rejected).toBeUndefined();
  });
});

describe('a change of TaskManagers', () => {
  const jobManager = seen('jm-1');
  const stop = (processId: string) => ({ step: { kind: 'stop', processId } });

  test('goes on with the next one when the one before has come up', () => {
    const fresh = [jobManager, seen('tm-1', { ageMs: 9_000 }), seen('tm-2', old)];
    const waits = last([cluster(fresh)]);
    expect(waits.step).toBeUndefined();
    expect(waits.waitsFor).toBe('1 TaskManagers to be replaced; tm-1 is not up');
    const ready = [jobManager, seen('tm-1'), seen('tm-2', old)];
    expect(last([cluster(ready)])).toMatchObject(stop('tm-2'));
  });

  test('stops at the first one that ends at its start, also when another one breaks meanwhile', () => {
    const broken = seen('tm-2', { ...old, state: 'BACKOFF' });
    const begun = [jobManager, seen('tm-1', old), broken];
    expect(last([cluster(begun, ['tm-1'])])).toMatchObject(stop('tm-2'));
    const failing = last([cluster([jobManager, seen('tm-1', ended(1)), broken], [])]);
    expect(failing.step).toBeUndefined();
    expect(failing.waitsFor).toBe('1 TaskManagers to be replaced; tm-1 does not come up');
  });

  test('is taken back where it began, and nowhere else', () => {
    const good = [wantedOf('jm-1', 'old'), wantedOf('tm-1', 'old'), wantedOf('tm-2', 'old')];
    const there = [seen('jm-1', old), seen('tm-1', ended(3)), seen('tm-2', old)];
    const rejected = { version: 2n, processId: 'tm-1', host: 'a', cause: '' };
    const journal = { started: [], good: 1n, rejected };
    const observed = cluster(there, ['tm-2']);
    expect(nextClusterAction({ processes: good, version: 1n }, observed, journal)).toMatchObject({
      ...stop('tm-1'),
      journal: { rejected },
    });
  });
});
