import { describe, expect, test } from 'vitest';
import { emptyClusterJournal, type WantedProcess } from './cluster-decision.ts';
import { nextClusterAction } from './next-cluster-action.ts';
import type { ClusterHost, ClusterProcess, ObservedCluster } from './observed-cluster.ts';

const jobManager: WantedProcess = { id: 'jm-1', role: 'jobmanager', host: 'a', fingerprint: 'x' };
const taskManager = (number: number, host: string, fingerprint = 'x'): WantedProcess => ({
  id: `tm-${number}`,
  role: 'taskmanager',
  host,
  fingerprint,
});
const both = [jobManager, taskManager(1, 'a'), taskManager(2, 'b')];

const runs = (
  { id, role, fingerprint }: WantedProcess,
  rest: Partial<ClusterProcess> = {},
): ClusterProcess => ({ id, role, fingerprint, state: 'RUNNING', ageMs: 1_000, ...rest });
const hostOf = (id: string, ...processes: ClusterProcess[]): ClusterHost => ({
  id,
  state: 'seen',
  processes,
});
const silent = (id: string): ClusterHost => ({ id, state: 'silent', processes: [] });

/** TaskManagers that are known, by number, each with two slots of which so many are free. */
const known = (...free: readonly (readonly [number: number, freeSlots: number])[]) =>
  new Map(free.map(([number, freeSlots]) => [`tm-${number}`, { slots: 2, freeSlots }]));
const seen = (
  hosts: readonly ClusterHost[],
  rest: Partial<ObservedCluster> = {},
): ObservedCluster => ({
  hosts,
  activeJobs: 0,
  ...rest,
});
const ask = (
  processes: readonly WantedProcess[],
  observed: ObservedCluster,
  journal = emptyClusterJournal,
) => nextClusterAction({ processes }, observed, journal);

describe('the next step of a cluster', () => {
  test('starts the JobManager, and beside it the others, each written down before', () => {
    const first = ask(both, seen([hostOf('a'), hostOf('b')]));
    expect(first.step).toEqual({
      kind: 'start',
      key: 'a/jm-1/start',
      host: 'a',
      processId: 'jm-1',
    });
    expect(first.journal.started).toEqual([{ id: 'jm-1', role: 'jobmanager', host: 'a' }]);
    const up = hostOf('a', runs(jobManager));
    expect(ask(both, seen([up, hostOf('b')])).step).toMatchObject({ processId: 'tm-1' });
    const all = [hostOf('a', runs(jobManager), runs(both[1]!)), hostOf('b', runs(both[2]!))];
    expect(ask(both, seen(all))).toMatchObject({ waitsFor: 'the JobManager to answer' });
    expect(ask(both, seen(all)).step).toBeUndefined();
  });

  test('is nothing when all is up', () => {
    const hosts = [hostOf('a', runs(both[0]!), runs(both[1]!)), hostOf('b', runs(both[2]!))];
    const decision = ask(both, seen(hosts, { registered: known([1, 2], [2, 2]) }));
    expect(decision).toMatchObject({ haltsJobs: false });
    expect(decision.step).toBeUndefined();
    expect(decision.waitsFor).toBeUndefined();
  });

  test('starts no JobManager while another may run on a host that is silent, until that is lost', () => {
    const moved = [{ ...jobManager, id: 'jm-2', host: 'b' }];
    const journal = { started: [{ id: 'jm-1', role: 'jobmanager' as const, host: 'a' }] };
    expect(ask(moved, seen([silent('a'), hostOf('b')]), journal)).toMatchObject({
      waitsFor: 'host a to answer, or to be known as lost: a JobManager may still run there',
      journal,
    });
    const lost: ClusterHost = { id: 'a', state: 'lost', processes: [] };
    const decision = ask(moved, seen([lost, hostOf('b')]), journal);
    expect(decision.step).toMatchObject({ kind: 'start', processId: 'jm-2' });
    expect(decision.journal.started).toEqual([{ id: 'jm-2', role: 'jobmanager', host: 'b' }]);
  });

  test('starts no process while one of its id may run elsewhere', () => {
    const moved = [jobManager, taskManager(1, 'b')];
    const hosts = [hostOf('a', runs(jobManager)), hostOf('b'), silent('c')];
    const journal = { started: [{ id: 'tm-1', role: 'taskmanager' as const, host: 'c' }] };
    const decision = ask(moved, seen(hosts, { registered: known() }), journal);
    expect(decision.step).toBeUndefined();
    expect(decision.waitsFor).toBe('tm-1 to be up');
  });

  test('starts nothing, and takes nothing away, where the bundle has not arrived', () => {
    const lacks = 'the bundle of Flink';
    const bare: ClusterHost = { ...hostOf('a'), lacks };
    expect(ask(both, seen([bare, hostOf('b')]))).toMatchObject({
      waitsFor: 'host a to have the bundle of Flink',
    });
    expect(ask(both, seen([bare, hostOf('b')])).step).toBeUndefined();
    const up: ClusterHost = { ...hostOf('a', runs(jobManager)), lacks };
    const registered = known();
    const others = ask(both, seen([up, hostOf('b')], { registered }));
    expect(others.step).toMatchObject({ kind: 'start', processId: 'tm-2' });
    const changed = [{ ...jobManager, fingerprint: 'y' }];
    const kept = ask(changed, seen([up], { registered }));
    expect(kept).toMatchObject({
      haltsJobs: false,
      waitsFor: 'host a to have the bundle of Flink',
    });
    expect(kept.step).toBeUndefined();
    const old = [jobManager, taskManager(1, 'b', 'y')];
    const working: ClusterHost = { ...hostOf('b', runs(taskManager(1, 'b'))), lacks };
    const rolled = ask(
      old,
      seen([hostOf('a', runs(jobManager)), working], { registered: known([1, 2]) }),
    );
    expect(rolled.step).toBeUndefined();
    expect(rolled.waitsFor).toBe(
      '1 TaskManagers to be replaced; host b to have the bundle of Flink',
    );
  });

  test('changes no TaskManager while the JobManager does not answer', () => {
    const changed = runs(taskManager(1, 'a', 'y'));
    const hosts = [hostOf('a', runs(jobManager), changed), hostOf('b', runs(both[2]!))];
    expect(ask(both, seen(hosts)).step).toBeUndefined();
  });

  test('ends what is not as wanted, a SQL gateway too, before a JobManager starts that it would find', () => {
    const gateway: WantedProcess = {
      id: 'sql-1',
      role: 'sql-gateway',
      host: 'a',
      fingerprint: 'x',
    };
    const surplus = taskManager(2, 'b');
    const wanted = [jobManager, taskManager(1, 'a', 'y'), { ...gateway, fingerprint: 'y' }];
    const began = [taskManager(1, 'a'), gateway].map((process) => runs(process));
    const on = (processes: readonly ClusterProcess[], other = runs(surplus)) =>
      ask(wanted, seen([hostOf('a', ...processes), hostOf('b', other)]));
    const ending = began.map((process) => ({ ...process, state: 'STOPPING' as const }));
    const stop = (processId: string) => ({ kind: 'stop', processId });
    expect(on(began)).toMatchObject({
      step: stop('tm-1'),
      waitsFor: '3 processes of before to end',
    });
    expect(on([ending[0]!, began[1]!]).step).toMatchObject(stop('sql-1'));
    expect(on(ending).step).toMatchObject(stop('tm-2'));
    const start = { kind: 'start', processId: 'jm-1' };
    expect(on(ending, { ...runs(surplus), state: 'STOPPED' }).step).toMatchObject(start);
    expect(on([runs(wanted[1]!), runs(wanted[2]!)], ending[0]!).step).toMatchObject(start);
  });

  test('takes a JobManager away only when jobs are stopped, or it does not answer', () => {
    const changed = [{ ...jobManager, fingerprint: 'y' }];
    const hosts = [hostOf('a', runs(jobManager))];
    const registered = known();
    expect(ask(changed, seen(hosts, { registered, activeJobs: 2 }))).toMatchObject({
      haltsJobs: true,
      waitsFor: '2 jobs to be stopped with their state',
    });
    const stop = { kind: 'stop', processId: 'jm-1' };
    expect(ask(changed, seen(hosts, { registered })).step).toMatchObject(stop);
    expect(ask(changed, seen(hosts, { activeJobs: 2 })).step).toMatchObject(stop);
  });

  test('replaces changed TaskManagers one after the other, broken ones first', () => {
    const changed = [jobManager, taskManager(1, 'a', 'y'), taskManager(2, 'b', 'y')];
    const hosts = [hostOf('a', runs(jobManager), runs(both[1]!)), hostOf('b', runs(both[2]!))];
    const all = ask(changed, seen(hosts, { registered: known([1, 0], [2, 0]) }));
    expect(all.step).toMatchObject({ kind: 'stop', processId: 'tm-1' });
    const one = ask(changed, seen(hosts, { registered: known([1, 0]) }));
    expect(one.step).toMatchObject({ kind: 'stop', processId: 'tm-2' });
  });

  test('waits for one that was replaced to register before it takes the next', () => {
    const changed = [jobManager, taskManager(1, 'a', 'y'), taskManager(2, 'b', 'y')];
    const hosts = [hostOf('a', runs(jobManager), runs(changed[1]!)), hostOf('b', runs(both[2]!))];
    const decision = ask(changed, seen(hosts, { registered: known([2, 0]) }));
    expect(decision.step).toBeUndefined();
    expect(decision.waitsFor).toBe('1 TaskManagers to be replaced; tm-1 is not up');
  });

  test('empties a host only when what replaces it is known to the JobManager', () => {
    const moved = [jobManager, taskManager(3, 'b')];
    const old = taskManager(1, 'a');
    const hosts = [hostOf('a', runs(jobManager), runs(old)), hostOf('b', runs(moved[1]!))];
    const early = ask(moved, seen(hosts, { registered: known([1, 0]) }));
    expect(early.step).toBeUndefined();
    expect(early.waitsFor).toBe('tm-3 to be up before tm-1 is stopped');
    const ready = ask(moved, seen(hosts, { registered: known([1, 0], [3, 2]) }));
    expect(ready.step).toMatchObject({ kind: 'stop', processId: 'tm-1' });
  });

  test('after a scale-in waits for slots to become free', () => {
    const fewer = [jobManager, taskManager(1, 'a')];
    const hosts = [hostOf('a', runs(jobManager), runs(both[1]!)), hostOf('b', runs(both[2]!))];
    const busy = ask(fewer, seen(hosts, { registered: known([1, 0], [2, 1]) }));
    expect(busy).toMatchObject({ waitsFor: 'a rescale to free the slots of tm-2' });
    const free = ask(fewer, seen(hosts, { registered: known([1, 0], [2, 2]) }));
    expect(free.step).toMatchObject({ kind: 'stop', processId: 'tm-2' });
  });

  test('starts a TaskManager again that runs for minutes and does not register', () => {
    const hosts = [hostOf('a', runs(jobManager), runs(both[1]!, { ageMs: 200_000 }))];
    const wanted = both.slice(0, 2);
    expect(ask(wanted, seen(hosts, { registered: known() })).step).toMatchObject({
      kind: 'stop',
      processId: 'tm-1',
    });
  });

  test.each([
    { silentS: 119, runS: 9_999, isEnded: false, why: 'it may be busy' },
    { silentS: 121, runS: 9_999, isEnded: true, why: 'it has hung for two minutes' },
    { silentS: 121, runS: 110, isEnded: false, why: 'that run is young' },
    { silentS: 230, runS: 109, isEnded: false, why: 'another run was silent before' },
    { silentS: 244, runS: 123, isEnded: true, why: 'its second run has been given as long again' },
    { silentS: 900, runS: 400, isEnded: false, why: 'each run is given longer' },
    { silentS: 99_999, runS: 1_799, isEnded: false, why: 'half an hour is given at most' },
    { silentS: 99_999, runS: 1_801, isEnded: true, why: 'no run is given more than that' },
  ])(
    'for a JobManager silent for $silentS s, $runS s of them its run: $why',
    ({ silentS, runS, isEnded }) => {
      const hosts = [hostOf('a', runs(jobManager, { ageMs: runS * 1_000 }))];
      const silentMs = silentS * 1_000;
      const { step } = ask([jobManager], seen(hosts, { silentMs, activeJobs: 2 }));
      expect(step).toEqual(
        isEnded ? { kind: 'stop', key: 'a/jm-1/stop', host: 'a', processId: 'jm-1' } : undefined,
      );
    },
  );

  test('ends everything when nothing is wanted, jobs first', () => {
    const hosts = [hostOf('a', runs(jobManager), runs(both[1]!))];
    const registered = known([1, 0]);
    expect(ask([], seen(hosts, { registered, activeJobs: 1 }))).toMatchObject({ haltsJobs: true });
    expect(ask([], seen(hosts, { registered })).step).toMatchObject({ processId: 'jm-1' });
    const left = [hostOf('a', runs(jobManager, { state: 'STOPPED' }), runs(both[1]!))];
    expect(ask([], seen(left)).step).toMatchObject({ kind: 'forget', processId: 'jm-1' });
  });
});
