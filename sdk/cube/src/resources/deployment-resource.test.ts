import { describe, expect, test } from 'vitest';
import { diffResources, printDiff } from './diff-resources.ts';
import { parseResources } from './parse-resources.ts';
import { printResources } from './print-resources.ts';

const text = `apiVersion: tessera/v1
kind: Deployment
name: cluster
daemons:
  - name: storage
    hosts: { labels: { disk: nvme }, racks: [r1], limit: 3 }
    argv: [tessera, daemon, storage]
    options:
      address: "{{ip}}:{{port}}"
      memory-budget-bytes: 1000000
    healthAddress: "{{ip}}:{{port}}"
  - name: query
    hosts: { hosts: [node1] }
    argv: [tessera, daemon, query]
    options: { storage: [a:1, b:2], insecure: true }
    environment: { TZ: UTC }
    artifacts:
      - { artifact: ${'a'.repeat(64)}, path: bin/x }
      - { artifact: ${'b'.repeat(64)}, path: lib, unpack: true }
    files:
      - path: conf/query.conf
        content: |
          at: "{{ip}}"
          size: 1
          end: true
    version: "1.2"
    maxUnavailable: 2
    gracePeriod: 30s
`;
const resourcesOf = (yaml: string) =>
  parseResources(yaml, 'cluster.yaml').resources.map(({ resource }) => resource);

describe('a deployment', () => {
  test('comes out of YAML as it went in', () => {
    const resources = resourcesOf(text);
    expect(resources).toMatchObject([{ kind: 'Deployment', name: 'cluster' }]);
    expect(resourcesOf(printResources(resources))).toEqual(resources);
    expect(printResources(resources)).not.toContain('paused');
  });

  test.each([
    {
      why: 'an unknown field',
      from: 'argv: [tessera, daemon, s',
      to: 'arg: [s',
      line: 7,
      column: 5,
    },
    {
      why: 'a selector that selects by nothing',
      from: 'racks: [r1]',
      to: 'rack: r1',
      line: 6,
      column: 38,
    },
    { why: 'no daemon', from: 'limit: 3', to: 'limit: 0', line: 6, column: 58 },
    {
      why: 'an option without a value',
      from: 'insecure: true',
      to: 'insecure: false',
      line: 15,
      column: 47,
    },
    { why: 'an artifact by name', from: 'a'.repeat(64), to: 'storage.tgz', line: 18, column: 21 },
    { why: 'an endless time', from: '30s', to: 'forever', line: 28, column: 18 },
    {
      why: 'none to be taken',
      from: 'maxUnavailable: 2',
      to: 'maxUnavailable: 0',
      line: 27,
      column: 21,
    },
  ])('says where it is wrong: $why', ({ from, to, line, column }) => {
    expect(text).toContain(from);
    expect(() => resourcesOf(text.replace(from, to))).toThrowError(
      expect.objectContaining({
        reason: 'RESOURCE_INVALID',
        violations: expect.arrayContaining([expect.objectContaining({ line, column })]),
      }),
    );
  });

  test('differs line by line in files', () => {
    const changed = text.replace('size: 1\n', 'size: 2\n          more: 3\n');
    expect(printDiff(diffResources(resourcesOf(text), resourcesOf(changed))).split('\n')).toEqual([
      '~ Deployment cluster',
      '    ~ daemons[query].files[conf/query.conf].content:',
      '      - size: 1',
      '      + size: 2',
      '      + more: 3',
    ]);
  });

  test('differs field by field', () => {
    const changed = text.replace('1000000', '2000000').replace('"1.2"', '"1.3"');
    expect(printDiff(diffResources(resourcesOf(text), resourcesOf(changed))).split('\n')).toEqual([
      '~ Deployment cluster',
      '    ~ daemons[storage].options.memory-budget-bytes: 1000000 → 2000000',
      '    ~ daemons[query].version: 1.2 → 1.3',
    ]);
  });
});
