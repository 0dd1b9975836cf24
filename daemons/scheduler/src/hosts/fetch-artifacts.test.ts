import { metadata, host as wire } from '@tessera/proto';
import { describe, expect, test } from 'vitest';
import { needsOf, placementsOf, wantedOf } from '../deployment/wanted.ts';
import { fetchesOf } from './fetch-artifacts.ts';
import type { SeenHost } from './observe-hosts.ts';

const name = `artifacts/${'a'.repeat(64)}`;

function hostOf(id: string, rack: string, has: readonly Partial<wire.Artifact>[] = []): SeenHost {
  const artifacts = has.map((one) => wire.Artifact.fromPartial({ name, sizeBytes: 7n, ...one }));
  return {
    ...{ name: `hosts/${id}`, labels: {}, rack, address: `${id}:1`, firstPort: 1 },
    processes: new Map(),
    artifacts: new Map(artifacts.map((one) => [one.name, one])),
  };
}

const deploymentOf = (...unpack: boolean[]) =>
  metadata.Deployment.fromPartial({
    name: 'deployments/c',
    daemons: unpack.map((one, i) => ({
      name: `d${i}`,
      argv: ['x'],
      artifacts: [{ artifact: name, path: 'x', unpack: one }],
    })),
  });

function fetched(hosts: SeenHost[], ...unpack: boolean[]) {
  const fetches = fetchesOf(needsOf(placementsOf(deploymentOf(...unpack), hosts)), hosts);
  return fetches.map(({ host, artifact, sources }) => [host, artifact.unpack, sources]);
}

describe('artifacts that hosts lack', () => {
  test('are fetched once for each host, from hosts that have them, near ones first', () => {
    const hosts = [
      hostOf('a', 'r1', [{}]),
      hostOf('b', 'r2', [{}]),
      hostOf('c', 'r1'),
      hostOf('d', 'r2'),
      hostOf('e', ''),
    ];
    expect(fetched(hosts, false, false)).toEqual([
      ['hosts/c', false, ['a:1', 'b:1']],
      ['hosts/d', false, ['b:1', 'a:1']],
      ['hosts/e', false, ['a:1', 'b:1']],
    ]);
  });

  test('are unpacked where some daemon needs that, also where they are', () => {
    const hosts = [hostOf('a', '', [{}]), hostOf('b', '', [{ unpacked: true }])];
    expect(fetched(hosts, false, true)).toEqual([['hosts/a', true, ['b:1']]]);
  });

  test('are known to be nowhere, and hosts that are not seen are not asked', () => {
    const { artifacts: _, ...unseen } = hostOf('b', '');
    expect(fetched([hostOf('a', ''), unseen], false)).toEqual([['hosts/a', false, []]]);
  });

  test('keep their daemon from being started there', () => {
    const hosts = [hostOf('a', '', [{}]), hostOf('b', '')];
    const deployment = deploymentOf(false, true);
    const wanted = wantedOf(placementsOf(deployment, hosts), deployment, hosts);
    expect(wanted.daemons.map(({ unready }) => [...unready])).toEqual([
      ['hosts/b'],
      ['hosts/a', 'hosts/b'],
    ]);
  });
});
