import { metadata } from '@tessera/proto';
import { describe, expect, test } from 'vitest';
import type { SeenHost, SeenProcess } from '../hosts/observe-hosts.ts';
import { fingerprintOf } from '../hosts/process-spec.ts';
import { driftsOf } from './drift.ts';
import { specOn } from './process-spec.ts';
import { isSameStatus, statusOf } from './status.ts';
import { placementsOf, wantedOf } from './wanted.ts';

const facts = { name: 'hosts/a', labels: {}, rack: '', address: '10.0.0.1:1', firstPort: 1 };
const process = 'processes/c.x';
const at = (seconds: number) => ({ seconds: BigInt(seconds), nanos: 0 });

const deploymentOf = (argv: string[], version = 1n, paused = false) =>
  metadata.Deployment.fromPartial({
    name: 'deployments/c',
    version,
    paused,
    daemons: [{ name: 'x', argv }],
  });
const wanted = deploymentOf(['run', 'new'], 2n);
const specOf = (deployment: metadata.Deployment) =>
  specOn(deployment, deployment.daemons[0]!, facts);

function processOf(
  spec: SeenProcess['spec'],
  state: SeenProcess['state'] = 'RUNNING',
  isServing = true,
): SeenProcess {
  const fingerprint = fingerprintOf(spec);
  const seen = { changedFiles: [], lastExit: 'exit code 3', hasEndedItself: true };
  return { id: 'c.x', state, isServing, spec, fingerprint, run: 'u/1/1', ...seen };
}
const hostWith = (...processes: SeenProcess[]): SeenHost => ({
  ...facts,
  processes: new Map(processes.map((one) => [one.id, one])),
});

/** What a leader finds and writes, when it looks at the host. */
function look(
  host: SeenHost,
  {
    before,
    now = 1,
    deployment = wanted,
  }: { before?: metadata.DeploymentStatus; now?: number; deployment?: metadata.Deployment } = {},
) {
  const placements = placementsOf(deployment, [host]);
  const drifts = driftsOf({ placements, hosts: [host], before, now: at(now) });
  const wantedNow = wantedOf(placements, deployment, [host]);
  const observed = [
    {
      name: host.name,
      processes: [...(host.processes?.values() ?? [])].map((one) => ({
        ...one,
        isOfThisVersion: true,
        hasChangedFiles: one.changedFiles.length > 0,
      })),
    },
  ];
  const view = { deployment, placements, wanted: wantedNow, hosts: [host], observed, drifts };
  return statusOf({ ...view, failures: [] });
}
const right = processOf(specOf(wanted));
const outdated = processOf(specOf(deploymentOf(['run', 'old'])));

describe('drift', () => {
  test('is none where all runs as wanted, or as an earlier version wanted it', () => {
    expect(look(hostWith(right)).drifts).toEqual([]);
    expect(look(hostWith(outdated)).drifts).toEqual([]);
    expect(look(hostWith({ ...outdated, state: 'STOPPED' })).drifts).toEqual([]);
    expect(look(hostWith()).drifts).toEqual([]);
  });

  const byHand = { ...specOf(wanted), argv: ['run', 'mine'] };
  const { environment: _, ...strange } = byHand;
  test.each([
    ['STOPPED_BY_HAND', [{ ...right, state: 'STOPPED' as const }], 'stopped'],
    ['FILE_CHANGED_BY_HAND', [{ ...right, changedFiles: ['a.yaml'] }], 'a.yaml'],
    ['CHANGED_BY_HAND', [processOf(byHand)], 'argv[1]: "mine", wanted is "new"'],
    ['STARTED_BY_HAND', [processOf({ ...strange, environment: {} })], 'not started by'],
    ['DELETED_BY_HAND', [], 'not on the host'],
  ])('is found: %s', (reason, processes, text) => {
    const before = look(hostWith(right));
    const { drifts } = look(hostWith(...processes), { before, now: 5 });
    expect(drifts).toMatchObject([{ host: 'hosts/a', process, reason, foundTime: at(5) }]);
    expect(drifts[0]!.message).toContain(text);
    expect(drifts[0]!.mendedTime).toBeUndefined();
  });

  test('is none where its artifacts have not come yet', () => {
    const artifacts = [{ artifact: `artifacts/${'a'.repeat(64)}`, path: 'x' }];
    const deployment = metadata.Deployment.fromPartial({
      name: 'deployments/c',
      daemons: [{ name: 'x', argv: ['run'], artifacts }],
    });
    const first = look(hostWith(), { deployment });
    expect(first.processes).toMatchObject([{ state: 'FETCHING' }]);
    expect(look(hostWith(), { deployment, before: first }).drifts).toEqual([]);
  });

  test('is told once, and when it is mended; when it comes again, again', () => {
    const stopped = hostWith({ ...right, state: 'STOPPED' });
    const first = look(stopped, { now: 1 });
    const second = look(stopped, { before: first, now: 2 });
    expect(second.drifts).toEqual(first.drifts);
    const starting = look(hostWith({ ...right, state: 'STARTING' }), { before: second, now: 3 });
    expect(starting.drifts[0]!.mendedTime).toBeUndefined();
    const mended = look(hostWith(right), { before: starting, now: 4 });
    expect(mended.drifts).toMatchObject([{ foundTime: at(1), mendedTime: at(4) }]);
    const again = look(stopped, { before: mended, now: 5 });
    expect(again.drifts).toMatchObject([{ foundTime: at(5) }, { mendedTime: at(4) }]);
  });

  test('is no host that is gone, and keeps a bounded history', () => {
    let before = look(hostWith(right));
    expect(look(facts, { before }).drifts).toEqual([]);
    for (let i = 0; i < 200; i++) {
      const host = i % 2 === 0 ? hostWith({ ...right, state: 'STOPPED' }) : hostWith(right);
      before = look(host, { before, now: i });
    }
    expect(before.drifts).toHaveLength(50);
    expect(before.drifts[0]!.foundTime).toEqual(at(198));
  });
});

describe('a status', () => {
  const {
    ROLLOUT_STATE_CHANGING,
    ROLLOUT_STATE_CURRENT,
    ROLLOUT_STATE_HALTED,
    ROLLOUT_STATE_PAUSED,
  } = metadata.RolloutState;

  test.each([
    ['RUNNING', ROLLOUT_STATE_CURRENT, hostWith(right)],
    ['NOT_SERVING', ROLLOUT_STATE_CHANGING, hostWith({ ...right, isServing: false })],
    ['CRASH_LOOP', ROLLOUT_STATE_HALTED, hostWith({ ...right, state: 'BACKOFF' })],
    ['RUNNING', ROLLOUT_STATE_CHANGING, hostWith(outdated)],
    ['CRASH_LOOP', ROLLOUT_STATE_CHANGING, hostWith({ ...outdated, state: 'BACKOFF' })],
    ['MISSING', ROLLOUT_STATE_CHANGING, hostWith()],
    ['HOST_GONE', ROLLOUT_STATE_CHANGING, facts],
  ])('%s', (state, rollout, host) => {
    const status = look(host);
    expect(status).toMatchObject({ version: 2n, state: rollout, processes: [{ state, process }] });
  });

  test('says why it does not go on, what differs, and what is left over', () => {
    expect(look(hostWith({ ...right, state: 'BACKOFF' })).message).toContain('exit code 3');
    expect(look(facts).message).toContain('hosts/a');
    const heldBy = 'port 1 is held by pid 7, of run 1 of q';
    for (const state of ['BACKOFF', 'RUNNING'] as const) {
      const held = { ...right, state, isServing: false, heldBy };
      expect(look(hostWith(held)).message).toContain(`${heldBy}.`);
    }
    const [changed] = look(hostWith(outdated)).processes;
    expect(changed!.differences).toEqual(['argv[1]: "old", wanted is "new"']);
    const old = { ...outdated, id: 'c.y' };
    expect(look(hostWith(right, old))).toMatchObject({
      state: ROLLOUT_STATE_CHANGING,
      processes: [{ surplus: false }, { daemon: 'y', surplus: true }],
    });
    const paused = look(hostWith(right), { deployment: deploymentOf(['x'], 1n, true) });
    expect(paused.state).toBe(ROLLOUT_STATE_PAUSED);
  });

  test('is the same as long as nothing has changed', () => {
    const status = look(hostWith(right));
    expect(
      isSameStatus({ ...status, etag: '7', revision: 7n }, look(hostWith(right), { now: 9 })),
    ).toBe(true);
    expect(isSameStatus(status, look(hostWith(outdated)))).toBe(false);
    expect(isSameStatus(undefined, status)).toBe(false);
  });
});
