import { createHash } from 'node:crypto';
import { metadata, host as wire } from '@tessera/proto';
import { describe, expect, test } from 'vitest';
import type { HostFacts } from '../hosts/observe-hosts.ts';
import { differencesOf, fingerprintOf, variables } from '../hosts/process-spec.ts';
import { specOn } from './process-spec.ts';
import { placementsOf, select } from './wanted.ts';

const hostOf = (name: string, rest: Partial<HostFacts> = {}): HostFacts => ({
  name: `hosts/${name}`,
  labels: {},
  rack: '',
  address: '10.0.0.1:7450',
  firstPort: 20_000,
  ...rest,
});

test('a selector takes hosts that fit all that it says, the first by name', () => {
  const host = (name: string, rack: string, disk: string) =>
    hostOf(name, { rack, labels: { disk } });
  const hosts = [host('c', 'r1', 'nvme'), host('a', 'r2', 'nvme'), host('b', 'r1', 'hdd')];
  const names = (selector: Partial<metadata.HostSelector>) =>
    select({ labels: {}, racks: [], hosts: [], limit: 0, ...selector }, hosts).map(({ name }) =>
      name.slice('hosts/'.length),
    );
  expect(names({})).toEqual(['a', 'b', 'c']);
  expect(names({ racks: ['r1'] })).toEqual(['b', 'c']);
  expect(names({ labels: { disk: 'nvme' }, racks: ['r1'] })).toEqual(['c']);
  expect(names({ hosts: ['hosts/b', 'hosts/x'] })).toEqual(['b']);
  expect(names({ limit: 2 })).toEqual(['a', 'b']);
});

const deploymentOf = (
  daemon: Parameters<typeof metadata.DaemonSpec.fromPartial>[0],
  version = 1n,
) =>
  metadata.Deployment.fromPartial({
    name: 'deployments/cluster',
    version,
    daemons: [{ name: 'query', argv: ['tessera', 'daemon', 'query'], ...daemon }],
  });
const specOf = (daemon: object, { host = hostOf('a'), version = 1n } = {}) => {
  const deployment = deploymentOf(daemon, version);
  return specOn(deployment, deployment.daemons[0]!, host);
};

describe('how a daemon is run', () => {
  test('has its options behind its arguments, by name, each of several values again', () => {
    const options = {
      storage: { values: ['one', 'two'] },
      insecure: {},
      address: { values: ['{{ip}}:{{port+2}}'] },
    };
    expect(specOf({ options }).argv.slice(3).join(' ')).toBe(
      '--address 10.0.0.1:20002 --insecure --storage one --storage two',
    );
  });

  test.each([
    ['{{host}}', 'a'],
    ['{{ip}}:{{port}}', '[::1]:7'],
    ['{{rack}}/{{port+1}}', 'r1/8'],
    ['{"a":{}}', '{"a":{}}'],
  ])('%s stands for %s', (text, expected) => {
    const host = hostOf('a', { address: '[::1]:7450', rack: 'r1', firstPort: 7 });
    const spec = specOf({ argv: ['x', text], healthAddress: text }, { host });
    expect(spec.argv[1]).toBe(expected);
    expect(spec.environment[variables.health]).toBe(expected);
  });

  test('is wanted on each host that fits, with what that host has', () => {
    const deployment = deploymentOf({
      argv: ['x', '{{host}}'],
      hosts: { labels: { disk: 'nvme' } },
    });
    const nvme = { labels: { disk: 'nvme' } };
    const hosts = [hostOf('a', nvme), hostOf('b'), hostOf('c', nvme)];
    const [placement] = placementsOf(deployment, hosts);
    expect([...placement!.on].map(([name, { argv }]) => [name, argv[1]])).toEqual([
      ['hosts/a', 'a'],
      ['hosts/c', 'c'],
    ]);
  });
});

describe('a fingerprint', () => {
  const daemon = { options: { memory: { values: ['1'] } }, environment: { B: '2', A: '1' } };

  test('is the same as long as the daemon is run the same, whatever the version', () => {
    const one = fingerprintOf(specOf(daemon));
    const reordered = { ...daemon, environment: { A: '1', B: '2' } };
    expect(fingerprintOf(specOf(reordered, { version: 2n }))).toBe(one);
    expect(specOf(daemon).environment[variables.fingerprint]).toBe(one);
    // As a host gives it back, with its own defaults filled in.
    const { gracePeriod: _, ...given } = specOf(daemon);
    const returned = wire.ProcessSpec.fromPartial({
      ...given,
      gracePeriod: { seconds: 10n, nanos: 0 },
      limits: { nice: 0 },
      logRotation: { maxFiles: 5 },
    });
    expect(fingerprintOf(returned)).toBe(one);
  });

  test.each([
    [{ options: { memory: { values: ['2'] } } }, 'argv[4]: "1", wanted is "2"'],
    [{ argv: ['tessera'] }, 'argv[1]: "daemon", wanted is "--memory"'],
    [{ environment: { A: 'secret', B: '2' } }, 'environment.A: is not as wanted'],
    [{ gracePeriod: { seconds: 3n, nanos: 0 } }, 'grace_period: 10000 ms, wanted is 3000 ms'],
    [{ healthAddress: 'x:1' }, 'environment.TESSERA_DEPLOYMENT_HEALTH: is not as wanted'],
    [
      { artifacts: [{ artifact: 'artifacts/x', path: 'bin/x' }] },
      'artifact bin/x: absent, wanted is artifacts/x',
    ],
    [
      { artifacts: [{ artifact: 'artifacts/x', path: 'bin/x', unpack: true }] },
      'artifact bin/x: absent, wanted is artifacts/x, unpacked',
    ],
    [
      { files: [{ path: 'a.yaml', content: 'password: secret' }] },
      'file a.yaml: absent, wanted is SHA-256 090b62523f032b71',
    ],
  ])('differs by what changes, and says where (%#)', (change, difference) => {
    const [running, wanted] = [specOf(daemon), specOf({ ...daemon, ...change })];
    expect(fingerprintOf(wanted)).not.toBe(fingerprintOf(running));
    const differences = differencesOf(running, wanted);
    expect(differences).toContain(difference);
    expect(differences.join()).not.toContain('secret');
  });

  test('is the same of a file whose content a host does not tell, and differs with what its host has', () => {
    const files = [{ path: 'a.conf', content: 'at {{ip}}:{{port}}' }];
    const spec = specOf({ files });
    expect(spec.files[0]!.content).toBe('at 10.0.0.1:20000');
    const sha256 = createHash('sha256').update('at 10.0.0.1:20000').digest('hex');
    const told = { ...spec, files: [{ path: 'a.conf', content: '', sha256 }] };
    expect(fingerprintOf(told)).toBe(fingerprintOf(spec));
    expect(differencesOf(told, spec)).toEqual([]);
    const elsewhere = specOf({ files }, { host: hostOf('b', { firstPort: 1 }) });
    expect(fingerprintOf(elsewhere)).not.toBe(fingerprintOf(spec));
  });

  test('differs when somebody starts the process in another way', () => {
    const spec = specOf(daemon);
    for (const change of [{ workingDirectory: '/tmp' }, { limits: { nice: 5 } }, { restart: {} }]) {
      const changed = wire.ProcessSpec.fromPartial({ ...spec, ...change } as typeof spec);
      expect(fingerprintOf(changed)).not.toBe(fingerprintOf(spec));
      expect(differencesOf(changed, spec)).toHaveLength(1);
    }
  });
});
